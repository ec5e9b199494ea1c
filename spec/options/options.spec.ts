import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Strategy as LocalStrategy } from 'passport-local';
import {
  ConfigError,
  memoryCounterStore,
  memoryOneTimeStore,
  memoryRepositories,
  memorySessionIndex,
  memorySessionStore,
  type PassportControlOptions,
  passportControl,
} from '../../lib/index.js';
import { resolveOptions } from '../../lib/options/index.js';

const { users, apps, devices } = memoryRepositories();
const secret = randomBytes(32);
const good: PassportControlOptions = { repositories: { users, apps }, secret };
const party = { id: 'example.com', name: 'Example', origins: ['https://example.com'] };

/** What `passportControl` throws for the good options with these in place of its own. */
function thrownBy(change: object): unknown {
  try {
    passportControl({ ...good, ...change });
  } catch (error) {
    return error;
  }
  return undefined;
}

const session = (change: object) => ({ session: change });
const origins = (...list: unknown[]) => ({ relyingParty: { ...party, origins: list } });

const wrong: [object, string, RegExp][] = [
  // names that do not exist
  [{ sesion: {} }, 'sesion', /not an option\. Did you mean session\?/],
  [{ Secret: 'x' }, 'Secret', /Did you mean secret\?/],
  [{ zzzzzzzz: 1 }, 'zzzzzzzz', /is not an option$/],
  [session({ idleTimout: 5 }), 'session.idleTimout', /Did you mean idleTimeout\?/],
  [session({ cookie: { nmae: 'x' } }), 'session.cookie.nmae', /Did you mean name\?/],
  [session({ idleTimeout: { users: 5 } }), 'session.idleTimeout.users', /Did you mean user/],
  [{ relyingParty: { ...party, origin: 'x' } }, 'relyingParty.origin', /Did you mean origins\?/],
  [{ repositories: { users, app: apps } }, 'repositories.app', /Did you mean app/],
  [{ hashing: { concurency: 1 } }, 'hashing.concurency', /Did you mean concurrency\?/],
  [{ lockout: { failure: 1 } }, 'lockout.failure', /Did you mean failures\?/],
  [{ throttle: { perAdress: {} } }, 'throttle.perAdress', /Did you mean perAddress\?/],
  [{ throttle: { perApp: { windows: 1 } } }, 'throttle.perApp.windows', /Did you mean window\?/],
  [{ methods: { pasword: false } }, 'methods.pasword', /Did you mean password\?/],
  [{ methods: { password: { stratgy: 1 } } }, 'methods.password', /must be false, or \{ strategy \}/],
  // secrets
  [{ secret: undefined }, 'secret', /is required: 32 random bytes/],
  [{ secret: 'too short' }, 'secret', /must have 32 bytes at least.*it has 9/],
  [{ secret: 'a'.repeat(64) }, 'secret', /is not random/],
  [{ secret: 'abcabcabcabcabcabcabcabcabcabcabcabc' }, 'secret', /is not random/],
  [{ secret: [] }, 'secret', /must be a secret of 32 random bytes or more, or a list/],
  [{ secret: 7 }, 'secret', /must be a secret/],
  [{ secret: null }, 'secret', /must be a secret/],
  [{ secret: [secret, 'too short'] }, 'secret.1', /must have 32 bytes/],
  [{ secret: [secret, 7] }, 'secret.1', /must be a string or a Uint8Array/],
  // repositories
  [{ repositories: undefined }, 'repositories', /must be an object of repositories/],
  [{ repositories: {} }, 'repositories', /needs users or apps/],
  [{ repositories: { users: {} } }, 'repositories.users', /must have the methods findById, findByEmail/],
  [
    { repositories: { apps: { findById() {} } } },
    'repositories.apps',
    /must have the methods findById, findByName/,
  ],
  [{ repositories: { users, accounts: 1 } }, 'repositories.accounts', /must have the methods findById/],
  [{ repositories: { users, devices: {} } }, 'repositories.devices', /must have the methods listByUser/],
  [
    { repositories: { users, identityProviders: {} } },
    'repositories.identityProviders',
    /must have the methods/,
  ],
  // the relying party
  [{ repositories: { users, devices } }, 'relyingParty', /is required with repositories\.devices/],
  [{ relyingParty: { id: 'example.com' } }, 'relyingParty.name', /the name that authenticators show/],
  [{ relyingParty: { ...party, name: '' } }, 'relyingParty.name', /must not be empty/],
  [
    { relyingParty: { ...party, id: 'https://example.com' } },
    'relyingParty.id',
    /must be a domain in lower case/,
  ],
  [{ relyingParty: { ...party, id: 'Example.com' } }, 'relyingParty.id', /must be a domain in lower case/],
  [{ relyingParty: { ...party, id: 7 } }, 'relyingParty.id', /must be a domain/],
  [origins(), 'relyingParty.origins', /must name one origin at least/],
  [origins('example.com'), 'relyingParty.origins.0', /must be an origin and nothing more/],
  [origins('https://example.com/'), 'relyingParty.origins.0', /must be an origin and nothing more/],
  [
    origins('https://example.com', 'https://example.com/sign-in'),
    'relyingParty.origins.1',
    /an origin and nothing more/,
  ],
  [origins('http://example.com'), 'relyingParty.origins.0', /must be https/],
  [origins('https://evil-example.com'), 'relyingParty.origins.0', /on relyingParty\.id or on a subdomain/],
  [origins(7), 'relyingParty.origins.0', /must be an origin/],
  // sessions
  [session({ store: {} }), 'session.store', /must have the methods get, set, destroy/],
  [session({ store: memorySessionStore() }), 'stores', /'dangerouslyPerProcess' if there is one process/],
  [session({ idleTimeout: 0 }), 'session.idleTimeout', /must be more than 0 seconds/],
  [session({ idleTimeout: '1h' }), 'session.idleTimeout', /positive number, or \{ user, app \}/],
  [session({ idleTimeout: Number.NaN }), 'session.idleTimeout', /positive number/],
  [session({ idleTimeout: { user: -1 } }), 'session.idleTimeout.user', /more than 0 seconds/],
  [session({ absoluteTimeout: null }), 'session.absoluteTimeout', /positive number/],
  [
    session({ absoluteTimeout: 60 }),
    'session.idleTimeout',
    /not be longer than session\.absoluteTimeout \(user\)/,
  ],
  [session({ pendingTimeout: 0 }), 'session.pendingTimeout', /more than 0/],
  [session({ revalidateAfter: -1 }), 'session.revalidateAfter', /must not be negative/],
  [session({ revalidateAfter: true }), 'session.revalidateAfter', /must be a number of seconds/],
  [session({ maxPerEntity: 1.5 }), 'session.maxPerEntity', /positive number/],
  [session({ maxPerEntity: 0 }), 'session.maxPerEntity', /must be at least 1/],
  [session({ cookie: { name: '__Host-x' } }), 'session.cookie.name', /__Host- is added/],
  [session({ cookie: { name: 'a b' } }), 'session.cookie.name', /letters, digits, hyphens/],
  [session({ cookie: { name: '' } }), 'session.cookie.name', /letters, digits, hyphens/],
  [session({ cookie: { name: 'x'.repeat(65) } }), 'session.cookie.name', /1 to 64/],
  [
    session({ cookie: { dangerouslyAllowHttpOnLocalhost: 'yes' } }),
    'session.cookie.dangerouslyAllowHttpOnLocalhost',
    /true or false/,
  ],
  [{ session: 7 }, 'session', /must be of type object/],
  // defence
  [{ secondFactor: true }, 'secondFactor', /can only be false/],
  [{ lockout: true }, 'lockout', /must be false, or \{ failures, window, duration \}/],
  [{ lockout: { failures: 0 } }, 'lockout.failures', /at least 1/],
  [{ lockout: { duration: -5 } }, 'lockout.duration', /more than 0/],
  [{ throttle: true }, 'throttle', /must be false, or \{ perAddress, perApp \}/],
  [{ throttle: { perAddress: { failures: 'x' } } }, 'throttle.perAddress.failures', /whole number/],
  [{ hashing: { concurrency: 0 } }, 'hashing.concurrency', /at least 1/],
  [{ hashing: { queue: -1 } }, 'hashing.queue', /must not be negative/],
  [{ stores: {} }, 'stores.oneTime', /must have the methods claim, release, put, get/],
  [{ stores: 'perProcess' }, 'stores', /or 'dangerouslyPerProcess'/],
  [{ onEvent: 'log' }, 'onEvent', /must be a function that takes an event/],
  [{ dependencyTimeout: 0 }, 'dependencyTimeout', /more than 0/],
  [{ clock: 5 }, 'clock', /must be a function that answers milliseconds/],
  [{ randomBytes: 5 }, 'randomBytes', /must be a function that answers so many random bytes/],
  // methods
  [{ methods: { basic: true } }, 'methods.basic', /must be false, or \{ strategy \}/],
  [{ methods: { password: { strategy: {} } } }, 'methods.password', /with a Passport strategy/],
  [
    { methods: { password: { strategy: { authenticate() {} }, identfy() {} } } },
    'methods.password.identfy',
    /identify/,
  ],
  [
    { methods: { password: { strategy: { authenticate() {} }, identify: 1 } } },
    'methods.password.identify',
    /a function/,
  ],
  [{ methods: { basic: false, password: false, 'auth-by-app-name': false } }, 'methods', /all switched off/],
  [
    { repositories: { apps }, methods: { basic: false, 'auth-by-app-name': false } },
    'methods',
    /none that these repositories can serve/,
  ],
];

describe('wrong options', () => {
  it.each(wrong)('%j is refused with its path and the mend', (change, path, mend) => {
    const error = thrownBy(change);
    expect(error).toBeInstanceOf(ConfigError);
    const { path: at, message } = error as ConfigError;
    expect([at, message]).toEqual([path, expect.stringMatching(mend)]);
    expect(message.startsWith(`passport-control: ${path}: `)).toBe(true);
  });

  it('are none at all: the options must be an object', () => {
    for (const none of [undefined, null, 7]) {
      expect(() => passportControl(none as unknown as PassportControlOptions)).toThrow(ConfigError);
    }
  });

  it('never quote a secret', () => {
    const marker = 'marker-marker-marker';
    for (const each of [marker, [secret, marker]])
      expect(String(thrownBy({ secret: each }))).not.toContain('marker-');
  });
});

describe('right options', () => {
  it('are taken, all of them', () => {
    const full: PassportControlOptions = {
      repositories: memoryRepositories(),
      secret: [secret, 'an older secret of more than 32 bytes'],
      relyingParty: { ...party, origins: ['https://example.com', 'https://app.example.com:8443'] },
      methods: { password: { strategy: new LocalStrategy(() => {}) }, basic: false },
      session: {
        store: memorySessionStore(),
        idleTimeout: 60,
        absoluteTimeout: { user: 600 },
        pendingTimeout: 60,
        revalidateAfter: 5,
        maxPerEntity: { user: 3, app: 9 },
        cookie: { name: 'mine', dangerouslyAllowHttpOnLocalhost: true },
      },
      lockout: { failures: 5, window: 60, duration: 60 },
      throttle: { perAddress: { failures: 5 }, perApp: { window: 60 } },
      hashing: { concurrency: 1, queue: 0 },
      stores: { oneTime: memoryOneTimeStore(), counters: memoryCounterStore(), index: memorySessionIndex() },
      onEvent() {},
      dependencyTimeout: 1,
      clock: Date.now,
      randomBytes,
    };
    const before = structuredClone({ session: { ...full.session, store: null }, lockout: full.lockout });
    expect(() => passportControl(full)).not.toThrow();
    expect({ session: { ...full.session, store: null }, lockout: full.lockout }).toEqual(before);
  });

  it('have their defaults where they are absent or undefined', () => {
    const absent = Object.fromEntries(
      ['relyingParty', 'methods', 'session', 'secondFactor', 'lockout', 'throttle', 'hashing', 'stores'].map(
        (name) => [name, undefined],
      ),
    );
    const { session, lockout, throttle, hashing } = resolveOptions({ ...good, ...absent });
    expect(session).toMatchObject({
      idleTimeout: { user: 86_400, app: 600 },
      absoluteTimeout: { user: 604_800, app: 86_400 },
      pendingTimeout: 300,
      revalidateAfter: 0,
      maxPerEntity: { user: 100, app: 1000 },
      cookie: { name: 'session', dangerouslyAllowHttpOnLocalhost: false },
    });
    expect(lockout).toEqual({ limit: 10, window: 900, closedFor: 900 });
    expect(throttle).toEqual({ perAddress: { limit: 100, window: 900 }, perApp: { limit: 20, window: 300 } });
    expect(hashing).toEqual({ concurrency: 2, queue: 100 });
  });

  it('are frozen once they are complete', () => {
    expect(Object.isFrozen(resolveOptions(good))).toBe(true);
  });

  it('leave devices out where the second factor is off', () => {
    const { repositories } = resolveOptions({
      repositories: { users, devices },
      secret,
      secondFactor: false,
    });
    expect(repositories.devices).toBeUndefined();
  });
});
