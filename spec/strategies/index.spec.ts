import { describe, expect, it } from '@jest/globals';
import { guardRepositories } from '../../lib/defence/guarded-repositories.js';
import { isMethodName, methods } from '../../lib/strategies/index.js';
import type { StrategyDependencies } from '../../lib/strategies/method.js';
import { testApp } from '../support/app.js';

const nobody = async () => {
  throw new Error('nobody is asked');
};
const repositories = guardRepositories({}, Object.assign(nobody, { atOnce: nobody }));
const none = { repositories, saml: null, aws: null } as StrategyDependencies;
const serviceProvider = { entityId: 'https://example.com/saml', acsUrl: 'https://app.example.com/acs' };

describe.each(Object.entries(methods))('the method %s', (name, method) => {
  it('is registered under its own name, and its strategy too', async () => {
    const { control } = await testApp({ serviceProvider, aws: { audience: 'https://example.com' } });
    expect(method.name).toBe(name);
    expect(Object.keys(Reflect.get(control.passport, '_strategies'))).toContain(name);
  });

  it('has a limit for its body', () => {
    expect(method.bodyLimit).toBeGreaterThan(1024);
    expect(method.bodyLimit).toBeLessThanOrEqual(1_048_576);
  });

  it('is not possible without repositories', () => {
    expect(method.isPossible(none)).toBe(false);
  });

  it('finds an empty request malformed, or without a credential', () => {
    const request = { body: {}, headers: {}, rawHeaders: [] } as never;
    expect(() => method.guess(request)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^(?:malformed_request|credentials_required)$/),
      }),
    );
  });
});

describe('isMethodName', () => {
  it('knows the methods and no name that every object has', () => {
    expect(Object.keys(methods).every(isMethodName)).toBe(true);
    for (const name of ['', 'PASSWORD', ' password', 'constructor', '__proto__', 'toString', 'session-token'])
      expect([name, isMethodName(name)]).toEqual([name, false]);
  });
});
