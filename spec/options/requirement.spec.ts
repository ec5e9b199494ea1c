import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  ConfigError,
  memoryRepositories,
  passportControl,
  type SessionRequirement,
} from '../../lib/index.js';

const control = passportControl({
  repositories: memoryRepositories(),
  secret: randomBytes(32),
  secondFactor: false,
});

/** What a requirement is refused with, when the route is set up. */
function refusalOf(requirement: unknown): ConfigError {
  try {
    control.requireSession(requirement as SessionRequirement);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the requirement was accepted');
}

describe('requireSession, set up wrongly', () => {
  it.each([
    [{ principle: 'user' }, 'requireSession.principle', /is not an option\. Did you mean principal\?$/],
    [{ acount: 'selected' }, 'requireSession.acount', /Did you mean account\?$/],
    [{ allowApikey: true }, 'requireSession.allowApikey', /Did you mean allowApiKey\?$/],
    [{ principal: 'users' }, 'requireSession.principal', /must be 'user' or 'app'$/],
    [{ principal: ['user'] }, 'requireSession.principal', /must be 'user' or 'app'$/],
    [{ principal: null }, 'requireSession.principal', /must be 'user' or 'app'$/],
    [{ account: true }, 'requireSession.account', /must be 'selected', or a function of the request$/],
    [{ account: 'any' }, 'requireSession.account', /must be 'selected', or a function of the request$/],
    [{ account: null }, 'requireSession.account', /must be 'selected', or a function of the request$/],
    [{ freshWithin: 0 }, 'requireSession.freshWithin', /must be greater than 0$/],
    [{ freshWithin: '300' }, 'requireSession.freshWithin', /must be a number of seconds$/],
    [{ allowApiKey: 'yes' }, 'requireSession.allowApiKey', /must be true or false$/],
    [{ allowApiKey: null }, 'requireSession.allowApiKey', /must be true or false$/],
    [
      { principal: 'user', allowApiKey: true },
      'requireSession.allowApiKey',
      /is for apps: it cannot go with principal: user$/,
    ],
    ['user', 'requireSession', /must be of type object$/],
    [['user'], 'requireSession', /must be of type object$/],
    [null, 'requireSession', /must be of type object$/],
  ])('%j throws when the route is set up, with path and mend', (requirement, path, mend) => {
    const refusal = refusalOf(requirement);
    expect(refusal.path).toBe(path);
    expect(refusal.message).toMatch(mend);
  });

  it('lets every right demand be', () => {
    const right: (SessionRequirement | undefined)[] = [
      undefined,
      {},
      { principal: 'user', account: 'selected', allowApiKey: false },
      { principal: 'app', account: (request) => request.params.id, allowApiKey: true },
      { allowApiKey: true },
      { freshWithin: 300, principal: 'user' },
    ];
    for (const requirement of right) expect(control.requireSession(requirement)).toHaveLength(3);
  });

  it('is refused by authenticate() too', async () => {
    const request = { headers: {}, rawHeaders: [] } as never;
    await expect(control.authenticate(request, { principle: 'user' } as never)).rejects.toMatchObject({
      path: 'requireSession.principle',
    });
  });
});
