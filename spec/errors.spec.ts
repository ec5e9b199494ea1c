import { afterEach, describe, expect, it } from '@jest/globals';
import { AuthError } from '../lib/errors.js';

describe('an AuthError', () => {
  const { stackTraceLimit } = Error;
  afterEach(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  it('has no frames, since it is an answer and no fault of anybody’s code', () => {
    expect(new AuthError('invalid_session').stack?.split('\n')).toHaveLength(1);
  });

  it('leaves the frames of all other errors as the host wants them', () => {
    Error.stackTraceLimit = 3;
    expect(new AuthError('invalid_session')).toBeInstanceOf(Error);
    expect(Error.stackTraceLimit).toBe(3);
    expect(new Error('x').stack?.split('\n')).toHaveLength(4);
  });

  it('is one too where nobody may change Error', () => {
    Object.defineProperty(Error, 'stackTraceLimit', { value: 3, writable: false, configurable: true });
    try {
      expect(new AuthError('locked')).toMatchObject({ code: 'locked', status: 423 });
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', {
        ...{ value: stackTraceLimit, writable: true, enumerable: true, configurable: true },
      });
    }
  });
});
