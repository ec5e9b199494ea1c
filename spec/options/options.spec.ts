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
import { methods } from '../../lib/strategies/index.js';
import { keyAndCertificate } from '../support/keys.js';

const secret = randomBytes(32);
const { users, apps, accounts, devices, identityProviders } = memoryRepositories();
const strategy = new LocalStrategy((_username, _password, done) => done(null, false));
const stores = () => ({
  oneTime: memoryOneTimeStore(),
  counters: memoryCounterStore(),
  index: memorySessionIndex(),
});
const relyingParty = { id: 'example.com', name: 'Example', origins: ['https://app.example.com'] };

const methodNames = Object.keys(methods);

/** The least that a host may say. */
const least = { repositories: { users, apps }, secret, secondFactor: false as const };

/** Every option there is, with a value of its own; the type sees to it that none is forgotten. */
const full = () =>
  ({
    repositories: { users, apps, accounts, devices, identityProviders },
    secret: [secret, 'another secret of 32 random bytes: q8Zx'],
    relyingParty: { ...relyingParty, origins: [...relyingParty.origins] },
    methods: {
      ...{ password: false, 'auth-by-app-name': false, 'oauth-auth-code': false, 'saml-response': false },
      ...{ 'ldap-basic-auth': false, 'aws-iam': false },
      basic: { strategy, identify: () => null },
    },
    session: {
      store: memorySessionStore(),
      idleTimeout: { user: 3600, app: 60 },
      absoluteTimeout: { user: 90_000, app: 700 },
      pendingTimeout: 30,
      revalidateAfter: 5,
      maxPerEntity: { user: 3, app: 4 },
      cookie: { name: 'sid', dangerouslyAllowHttpOnLocalhost: true },
    },
    secondFactor: false,
    serviceProvider: {
      entityId: 'https://example.com/saml',
      acsUrl: 'https://app.example.com/acs',
      keys: [{ privateKey: 'a key', certificate: 'a certificate' }],
    },
    aws: {
      audience: 'https://app.example.com',
      dangerouslyWithoutAudience: false,
      regions: ['eu-west-1'],
      stsEndpoint: () => 'https://sts.example.com/',
    },
    lockout: { failures: 5, window: 60, duration: 61 },
    throttle: {
      perAddress: { failures: 6, window: 62 },
      perApp: { failures: 7, window: 63 },
      discoveries: { requests: 8, window: 64 },
      overall: { failures: 9, discoveries: 10, window: 65 },
    },
    captcha: {
      ...{ provider: 'recaptcha', secretKey: 'a key', hostnames: ['www.example.com'] },
      ...{
        action: 'sign-in',
        minScore: 0.7,
        sendAddress: true,
        endpoint: 'https://www.recaptcha.net/siteverify',
      },
    } as const,
    hashing: { concurrency: 1, queue: 0 },
    stores: stores(),
    onEvent: () => {},
    dependencyTimeout: 1,
    fetch: async () => new Response(),
    clock: () => 0,
    randomBytes,
  }) satisfies Required<PassportControlOptions>;

/** What the options are refused with. */
function refusalOf(options: unknown): ConfigError {
  try {
    passportControl(options as PassportControlOptions);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the options were accepted');
}

type Path = readonly string[];

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** A copy of the options with another value at a path. */
function withValue(options: object, [key = '', ...rest]: Path, value: unknown): object {
  const inner: unknown = Reflect.get(options, key);
  const changed = rest.length === 0 ? value : withValue(isPlain(inner) ? inner : {}, rest, value);
  return { ...options, [key]: changed };
}

/** The options over the least, with one changed. */
const one = (path: string, value: unknown) => withValue(least, path.split('.'), value);

/** Whether the option holds options: the stores and repositories are the host's own objects, not ours to look into. */
function hasOptions(path: Path, value: unknown): value is Record<string, unknown> {
  const opaque = ['session.store', 'stores.oneTime', 'stores.counters', 'stores.index'];
  const hosts = path.length === 2 && path[0] === 'repositories';
  return isPlain(value) && !hosts && !opaque.includes(path.join('.'));
}

/** Every option by its path, those that hold others first. */
function pathsOf(options: Record<string, unknown>, parents: Path = []): Path[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const path = [...parents, key];
    return [path, ...(hasOptions(path, value) ? pathsOf(value, path) : [])];
  });
}

const allPaths = pathsOf(full());

/** An option of the wrong type, and one of the right type with a value that is not allowed. */
const wrongType: [path: string, value: unknown, mend: RegExp][] = [
  ['repositories', [], /must be an object of repositories$/],
  ['repositories', undefined, /must be an object of repositories$/],
  ['repositories.users', {}, /must have the methods findById, findByEmail$/],
  ['repositories.users', async () => null, /must have the methods findById, findByEmail$/],
  ['repositories.apps', { findById: users.findById }, /must have the methods findById, findByName$/],
  ['repositories.accounts', { findById: true }, /must have the methods findById$/],
  [
    'repositories.devices',
    { listByUser: devices.listByUser },
    /must have the methods listByUser, findByCredentialId, add, remove, recordUse, rename, replaceRecoveryCodes, hasRecoveryCode, countRecoveryCodes, consumeRecoveryCode$/,
  ],
  ['repositories.identityProviders', 1, /must have the methods findById$/],
  ['secret', undefined, /is required: 32 random bytes or more, such as crypto\.randomBytes\(32\)$/],
  ['secret', 12345678901234567890123456789012n, /must be a secret of 32 random bytes or more/],
  ['secret', new ArrayBuffer(32), /must be a secret of 32 random bytes or more/],
  ['relyingParty', 'example.com', /must be of type object$/],
  ['relyingParty.id', 1, /must be a domain, such as example\.com$/],
  ['methods', ['password'], /must be /],
  ['methods', 'password', /must be /],
  ['methods.basic', true, /must be false, or \{ strategy \} with a Passport strategy$/],
  ['methods.password', {}, /must be false, or \{ strategy \} with a Passport strategy$/],
  ['methods.auth-by-app-name', LocalStrategy, /must be false, or \{ strategy \} with a Passport strategy$/],
  ['session', 3600, /must be of type object$/],
  ['session.store', {}, /must have the methods get, set, destroy$/],
  ['session.idleTimeout', '1h', /must be a positive number, or \{ user, app \} with one for each$/],
  ['session.idleTimeout.user', '1h', /must be a number of seconds$/],
  ['session.idleTimeout.app', true, /must be a number of seconds$/],
  ['session.absoluteTimeout', [60], /must be a positive number, or \{ user, app \} with one for each$/],
  ['session.absoluteTimeout.user', '7d', /must be a number of seconds$/],
  ['session.absoluteTimeout.app', new Date(), /must be a number of seconds$/],
  ['session.pendingTimeout', '300', /must be a number of seconds$/],
  ['session.revalidateAfter', true, /must be a number of seconds$/],
  ['session.maxPerEntity', 'many', /must be a positive number, or \{ user, app \} with one for each$/],
  ['session.maxPerEntity.user', '5', /must be a whole number$/],
  ['session.maxPerEntity.app', [5], /must be a whole number$/],
  ['session.cookie', 'sid', /must be of type object$/],
  ['session.cookie.name', 1, /must be a string$/],
  ['session.cookie.dangerouslyAllowHttpOnLocalhost', 'yes', /must be true or false$/],
  ['fetch', 'https://example.com', /must be a function like fetch$/],
  [
    'secondFactor',
    'none',
    /must be false, .* or \{ userVerification, attestation, endOtherSessionsOnChange, legacyU2f \}$/,
  ],
  ['secondFactor.legacyU2f', 'yes', /must be true or false$/],
  ['secondFactor.endOtherSessionsOnChange', 'yes', /must be true or false$/],
  ['secondFactor.userVerification', true, /must be required, preferred or discouraged$/],
  ['lockout', 10, /must be false, or \{ failures, window, duration \} with positive numbers$/],
  ['lockout.failures', '10', /must be a whole number$/],
  ['lockout.window', '15m', /must be a number of seconds$/],
  ['lockout.duration', '15m', /must be a number of seconds$/],
  ['throttle', 10, /must be false, or \{ perAddress, perApp, discoveries, overall \}/],
  ['throttle.overall', 10, /must be of type object$/],
  ['throttle.overall.failures', '10', /must be a whole number$/],
  ['throttle.overall.discoveries', '10', /must be a whole number$/],
  ['throttle.overall.window', '1m', /must be a number of seconds$/],
  ['throttle.perAddress', 10, /must be of type object$/],
  ['throttle.perAddress.failures', '10', /must be a whole number$/],
  ['throttle.perAddress.window', '15m', /must be a number of seconds$/],
  ['throttle.perApp', false, /must be of type object$/],
  ['throttle.perApp.failures', '10', /must be a whole number$/],
  ['throttle.perApp.window', '15m', /must be a number of seconds$/],
  ['throttle.discoveries', 120, /must be of type object$/],
  ['throttle.discoveries.requests', '120', /must be a whole number$/],
  ['throttle.discoveries.window', '1m', /must be a number of seconds$/],
  ['hashing', 2, /must be of type object$/],
  ['hashing.concurrency', '2', /must be a whole number$/],
  ['hashing.queue', '100', /must be a whole number$/],
  ['stores', [], /must be \{ oneTime, counters, index \} .* or 'dangerouslyPerProcess'$/],
  ['onEvent', 'console', /must be a function that takes an event$/],
  ['dependencyTimeout', '3', /must be a number of seconds$/],
  ['clock', 0, /must be a function that answers milliseconds since the epoch$/],
  ['randomBytes', randomBytes(32), /must be a function that answers so many random bytes$/],
];

const wrongValue: [path: string, value: unknown, mend: RegExp][] = [
  ['session.idleTimeout', 0, /must be more than 0 seconds$/],
  ['session.idleTimeout', Number.NaN, /must be a positive number/],
  ['session.idleTimeout', Number.POSITIVE_INFINITY, /must be a positive number/],
  ['session.idleTimeout.user', -1, /must be more than 0 seconds$/],
  ['session.idleTimeout.app', 0, /must be more than 0 seconds$/],
  ['session.absoluteTimeout', -1, /must be more than 0 seconds$/],
  ['session.absoluteTimeout.user', 0, /must be more than 0 seconds$/],
  ['session.absoluteTimeout.app', Number.NaN, /must be a number of seconds$/],
  ['session.pendingTimeout', 0, /must be more than 0 seconds$/],
  ['session.revalidateAfter', -1, /must not be negative$/],
  ['session.maxPerEntity', 0, /must be a positive number|must be at least 1/],
  ['session.maxPerEntity', 1.5, /must be a positive number|must be a whole number/],
  ['session.maxPerEntity.user', 0, /must be at least 1$/],
  ['session.maxPerEntity.app', 2.5, /must be a whole number$/],
  ['session.cookie.name', '', /must be 1 to 64 letters, digits, hyphens and underscores/],
  ['session.cookie.name', 'my session', /must be 1 to 64 letters, digits, hyphens and underscores/],
  ['session.cookie.name', 'a;b', /must be 1 to 64 letters, digits, hyphens and underscores/],
  ['session.cookie.name', 'séance', /must be 1 to 64 letters, digits, hyphens and underscores/],
  ['session.cookie.name', 'x'.repeat(65), /must be 1 to 64 letters, digits, hyphens and underscores/],
  ['session.cookie.name', '__Host-session', /must not begin with a prefix: __Host- is added to it$/],
  ['session.cookie.name', '__secure-session', /must not begin with a prefix: __Host- is added to it$/],
  ['secondFactor', true, /must be false, which switches the second factor off, or \{/],
  ['secondFactor.userVerification', 'demanded', /must be required, preferred or discouraged$/],
  ['lockout', true, /must be false, or \{ failures, window, duration \}/],
  ['lockout.failures', 0, /must be at least 1$/],
  ['lockout.failures', 1.5, /must be a whole number$/],
  ['lockout.window', 0, /must be more than 0 seconds$/],
  ['lockout.duration', -900, /must be more than 0 seconds$/],
  ['throttle', true, /must be false, or \{ perAddress, perApp, discoveries, overall \}/],
  ['throttle.overall.failures', 0, /must be at least 1$/],
  ['throttle.overall.discoveries', 0, /must be at least 1$/],
  ['throttle.overall.window', 0, /must be more than 0 seconds$/],
  ['throttle.perAddress.failures', 0, /must be at least 1$/],
  ['throttle.perAddress.window', 0, /must be more than 0 seconds$/],
  ['throttle.perApp.failures', -3, /must be at least 1$/],
  ['throttle.perApp.window', -1, /must be more than 0 seconds$/],
  ['throttle.discoveries.requests', 0, /must be at least 1$/],
  ['throttle.discoveries.window', 0, /must be more than 0 seconds$/],
  ['hashing.concurrency', 0, /must be at least 1$/],
  ['hashing.queue', -1, /must not be negative$/],
  ['hashing.queue', 0.5, /must be a whole number$/],
  ['stores', 'perProcess', /must be \{ oneTime, counters, index \} .* or 'dangerouslyPerProcess'$/],
  ['dependencyTimeout', 0, /must be more than 0 seconds$/],
  ['dependencyTimeout', Number.POSITIVE_INFINITY, /must be a number of seconds$/],
  ['dependencyTimeout', 61, /must be at most 60 seconds$/],
  ['session.pendingTimeout', 4_294_967_296, /must be at most 4,294,967,295 seconds$/],
  ['session.absoluteTimeout.user', 1e300, /must be at most 4,294,967,295 seconds$/],
];

/** Options that hold others, or that are functions or objects of the host: any value of their type is allowed. */
const anyValue = [
  ...['repositories', 'methods', 'session', 'session.cookie', 'hashing', 'throttle.perAddress'],
  ...[
    'throttle.perApp',
    'throttle.discoveries',
    'throttle.overall',
    'session.store',
    'onEvent',
    'fetch',
    'clock',
    'randomBytes',
    'serviceProvider',
  ],
  ...['session.cookie.dangerouslyAllowHttpOnLocalhost'],
];
/** Options that have a table of their own below. */
const elsewhere = /^(?:aws|captcha|secret|relyingParty|serviceProvider|methods|repositories|stores)\b/;

const title = (value: unknown) => (typeof value === 'bigint' ? 'a bigint' : (JSON.stringify(value) ?? '?'));
const titled = (table: [path: string, value: unknown, mend: RegExp][]) =>
  table.map(([path, value, mend]) => ({ path, value, mend, given: title(value).slice(0, 40) }));

describe('Startup errors: each wrong option names its path and the mend', () => {
  it.each(titled(wrongType))('$path of another type: $given', ({ path, value, mend }) => {
    const refusal = refusalOf(one(path, value));
    expect([refusal.name, refusal.path]).toEqual(['ConfigError', path]);
    expect(refusal.message).toMatch(mend);
    expect(refusal.message.startsWith(`passport-control: ${path}: `)).toBe(true);
  });

  it.each(titled(wrongValue))('$path with a value that is not allowed: $given', ({ path, value, mend }) => {
    const refusal = refusalOf(one(path, value));
    expect([refusal.name, refusal.path]).toEqual(['ConfigError', path]);
    expect(refusal.message).toMatch(mend);
  });

  it('is held against every option, in type and in value', () => {
    const inType = new Set(wrongType.map(([path]) => path));
    const inValue = new Set([...wrongValue.map(([path]) => path), ...anyValue]);
    const paths = allPaths.map((path) => path.join('.')).filter((path) => !elsewhere.test(path));
    expect(paths.filter((path) => !inType.has(path))).toEqual([]);
    expect(paths.filter((path) => !inValue.has(path))).toEqual([]);
    expect(paths.length).toBeGreaterThan(30);
  });

  it('wants options at all', () => {
    for (const nothing of [undefined, null, 5, 'options', [], () => {}]) {
      expect([nothing, refusalOf(nothing).path]).toEqual([nothing, 'options']);
    }
  });

  it('speaks the language of its reader, not of the library that checks', () => {
    const told = [...wrongType, ...wrongValue].map(([path, value]) => refusalOf(one(path, value)).message);
    const jargon = /Invalid|expected|received|undefined|\brecord\b|zod|regex|pattern/i;
    expect(told.filter((message) => jargon.test(message))).toEqual([]);
  });
});

describe('Startup errors: an option that does not exist', () => {
  it.each([
    ['secrets', 'secret'],
    ['repository', 'repositories'],
    ['relyingparty', 'relyingParty'],
    ['method', 'methods'],
    ['sesion', 'session'],
    ['secondfactor', 'secondFactor'],
    ['lockOut', 'lockout'],
    ['throtle', 'throttle'],
    ['store', 'stores'],
    ['onEvents', 'onEvent'],
    ['dependencyTimeOut', 'dependencyTimeout'],
    ['repositories.user', 'users'],
    ['repositories.app', 'apps'],
    ['repositories.acounts', 'accounts'],
    ['repositories.device', 'devices'],
    ['relyingParty.origin', 'origins'],
    ['methods.pasword', 'password'],
    ['methods.Basic', 'basic'],
    ['methods.auth-by-appname', 'auth-by-app-name'],
    ['methods.basic.identfy', 'identify'],
    ['session.stores', 'store'],
    ['session.idleTimeOut', 'idleTimeout'],
    ['session.maxPerEntitity', 'maxPerEntity'],
    ['session.idleTimeout.users', 'user'],
    ['session.absoluteTimeout.apps', 'app'],
    ['session.maxPerEntity.usr', 'user'],
    ['session.cookie.nme', 'name'],
    ['session.cookie.dangerouslyAllowHttpOnLocalHost', 'dangerouslyAllowHttpOnLocalhost'],
    ['lockout.failure', 'failures'],
    ['throttle.perAdress', 'perAddress'],
    ['throttle.perAddress.windows', 'window'],
    ['throttle.perApp.failure', 'failures'],
    ['throttle.discoveries.request', 'requests'],
    ['throttle.overall.failure', 'failures'],
    ['hashing.concurency', 'concurrency'],
    ['stores.onetime', 'oneTime'],
  ])('%s: did you mean %s?', (path, meant) => {
    const start = withValue(least, ['relyingParty'], relyingParty);
    const options = withValue(
      withValue(start, ['methods'], { basic: { strategy } }),
      ['stores'],
      'dangerouslyPerProcess',
    );
    const complete = path.startsWith('stores.') ? withValue(options, ['stores'], stores()) : options;
    const refusal = refusalOf(withValue(complete, path.split('.'), 1));
    expect(refusal.path).toBe(path);
    expect(refusal.message).toContain(`is not an option. Did you mean ${meant}?`);
  });

  it('suggests nothing where nothing is like it', () => {
    for (const path of ['xyzzy', 'repositories.xyzzy', 'session.cookie.xyzzy', 'methods.xyzzy']) {
      const refusal = refusalOf(one(path, 1));
      expect(refusal.path).toBe(path);
      expect(refusal.message).toMatch(/is not an option$/);
    }
  });

  it('never suggests the very name that is wrong there', () => {
    const misplaced = ['idleTimeout', 'cookie', 'users', 'failures', 'session.name', 'repositories.user'];
    const told = misplaced.map((path) => [path, refusalOf(one(path, 1)).message] as const);
    const circular = told.filter(([path, message]) =>
      message.endsWith(`Did you mean ${path.split('.').at(-1)}?`),
    );
    expect(circular).toEqual([]);
  });

  it('is not fooled by names that every object has', () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      expect(refusalOf(one(name, 1)).path).toBe(name);
      expect(refusalOf(one(`session.${name}`, 1)).path).toBe(`session.${name}`);
      expect(refusalOf(one(`methods.${name}`, false)).path).toBe(`methods.${name}`);
    }
    const session = JSON.parse('{"__proto__":{"idleTimeout":1}}');
    expect(refusalOf({ ...least, session }).path).toBe('session.__proto__');
  });
});

describe('Startup errors: secrets', () => {
  const long = randomBytes(32).toString('base64url');
  const cases: [string, unknown, string, RegExp][] = [
    ['none', [], 'secret', /must be a secret of 32 random bytes or more, or a list of them$/],
    ['an empty text', '', 'secret', /must have 32 bytes at least.*it has 0$/],
    ['31 bytes', long.slice(0, 31), 'secret', /must have 32 bytes at least.*it has 31$/],
    ['31 binary bytes', randomBytes(31), 'secret', /must have 32 bytes at least.*it has 31$/],
    [
      'a repeated letter',
      'k'.repeat(40),
      'secret',
      /is not random: make one with crypto\.randomBytes\(32\)$/,
    ],
    ['a repeated word', 'changeme'.repeat(8), 'secret', /is not random/],
    ['zeros', new Uint8Array(64), 'secret', /is not random/],
    ['counted digits', '0123456789'.repeat(4), 'secret', /is not random/],
    ['a short one behind a good one', [long, 'q8Zx-short'], 'secret.1', /must have 32 bytes at least/],
    ['a plain one in the middle', [long, 'k'.repeat(32), long], 'secret.1', /is not random/],
    ['something else in a list', [long, undefined], 'secret.1', /must be a string or a Uint8Array$/],
    ['a list in a list', [[long]], 'secret', /must be a string or a Uint8Array$/],
  ];

  it.each(cases)('%s', (_, given, path, mend) => {
    const refusal = refusalOf({ ...least, secret: given });
    expect(refusal.path).toBe(path);
    expect(refusal.message).toMatch(mend);
  });

  it.each(cases)('are never quoted: %s', (_, given) => {
    const { message, stack } = refusalOf({ ...least, secret: given });
    for (const each of [given].flat(3)) {
      if (each === undefined || (typeof each === 'string' && each.length < 4)) continue;
      const text = typeof each === 'string' ? each : Buffer.from(each as Uint8Array).toString();
      expect(`${message}${stack}`).not.toContain(text);
    }
  });

  it('may be text, bytes or a list of both, and are copied', () => {
    const bytes = new Uint8Array(randomBytes(32));
    const before = Buffer.from(bytes);
    const { secrets } = resolveOptions({ ...least, secret: [bytes, long] });
    bytes.fill(0);
    expect(secrets.map((each) => Buffer.from(each))).toEqual([before, Buffer.from(long)]);
    expect(resolveOptions({ ...least, secret: long }).secrets).toHaveLength(1);
  });
});

describe('Startup errors: what one option means for another', () => {
  it.each([
    ['repositories', {}, /needs users or apps: without them nobody can sign in$/],
    ['repositories', { accounts, devices }, /needs users or apps/],
  ])('%s without anybody in it', (path, repositories, mend) => {
    const refusal = refusalOf({ ...least, repositories });
    expect(refusal.path).toBe(path);
    expect(refusal.message).toMatch(mend);
  });

  it('users without devices: nobody could ever owe a second factor', () => {
    for (const secondFactor of [undefined, {}, { userVerification: 'required' }]) {
      const refusal = refusalOf({ ...least, relyingParty, secondFactor });
      expect(refusal.path).toBe('repositories.devices');
      expect(refusal.message).toMatch(/is required with users.*Or set secondFactor: false$/);
    }
    expect(() => passportControl({ repositories: { apps }, secret })).not.toThrow();
  });

  it('devices without a relying party', () => {
    const repositories = { ...least.repositories, devices };
    const refusal = refusalOf({ ...least, repositories, secondFactor: undefined });
    expect(refusal.path).toBe('relyingParty');
    expect(refusal.message).toMatch(/is required with repositories\.devices.*Or set secondFactor: false$/);
    expect(() => passportControl({ ...least, repositories, secondFactor: false })).not.toThrow();
  });

  it('a session store without stores', () => {
    const session = { store: memorySessionStore() };
    const refusal = refusalOf({ ...least, session });
    expect(refusal.path).toBe('stores');
    expect(refusal.message).toMatch(/is required beside session\.store/);
    expect(refusal.message).toContain("'dangerouslyPerProcess'");
    expect(() => passportControl({ ...least, session, stores: 'dangerouslyPerProcess' })).not.toThrow();
    expect(() => passportControl({ ...least, session, stores: stores() })).not.toThrow();
  });

  it.each([
    ['oneTime', /must have the methods claim, release, put, get$/],
    ['counters', /must have the methods increment, decrement, get, clear$/],
    ['index', /must have the methods add, remove, list$/],
  ])('stores without a whole %s', (name, mend) => {
    for (const value of [undefined, {}, null, memorySessionStore()]) {
      const refusal = refusalOf({ ...least, stores: { ...stores(), [name]: value } });
      expect([value, refusal.path]).toEqual([value, `stores.${name}`]);
      expect(refusal.message).toMatch(mend);
    }
  });

  it.each([
    ['both', { idleTimeout: 700_000 }, 'user'],
    ['both', { idleTimeout: 90_000 }, 'app'],
    ['users', { idleTimeout: { user: 604_801 } }, 'user'],
    ['apps', { idleTimeout: { app: 86_401 } }, 'app'],
    ['a short absolute end', { absoluteTimeout: 60 }, 'user'],
    ['apps', { idleTimeout: { app: 61 }, absoluteTimeout: { app: 60 } }, 'app'],
  ])('an idle time longer than the absolute one, for %s', (_, session, type) => {
    const refusal = refusalOf({ ...least, session });
    expect(refusal.path).toBe('session.idleTimeout');
    expect(refusal.message).toMatch(
      new RegExp(`must not be longer than session.absoluteTimeout \\(${type}\\)$`),
    );
  });

  it('no method left', () => {
    const refusal = refusalOf({
      ...least,
      methods: Object.fromEntries(methodNames.map((name) => [name, false])),
    });
    expect(refusal.path).toBe('methods');
    expect(refusal.message).toMatch(/are all switched off: leave one on$/);
  });

  it('methods that the repositories cannot serve', () => {
    const users = refusalOf({
      ...least,
      repositories: { users: least.repositories.users },
      methods: { basic: false, password: false },
    });
    const apps = refusalOf({
      ...least,
      repositories: { apps: least.repositories.apps },
      methods: { basic: false, 'auth-by-app-name': false },
    });
    for (const { path, message } of [users, apps]) {
      expect(path).toBe('methods');
      expect(message).toMatch(/users need repositories\.users, apps repositories\.apps$/);
    }
  });

  it.each([
    ['an unknown method', { 'saml-respnse': false }, 'methods.saml-respnse', /is not an option/],
    [
      'a strategy that is a class',
      { basic: { strategy: LocalStrategy } },
      'methods.basic',
      /must be false, or/,
    ],
    [
      'a strategy that is a function',
      { basic: { strategy: () => {} } },
      'methods.basic',
      /must be false, or/,
    ],
    ['a strategy by itself', { basic: strategy }, 'methods.basic', /must be false, or \{ strategy \}/],
    ['no strategy', { basic: { identify: () => null } }, 'methods.basic', /must be false, or/],
    [
      'an identify that is no function',
      { basic: { strategy, identify: 'id' } },
      'methods.basic.identify',
      /must be a function/,
    ],
    [
      'one strategy for all providers',
      { 'oauth-auth-code': { strategy } },
      'methods.oauth-auth-code',
      /must be false, or \{ strategies \} with a Passport strategy for each/,
    ],
    ['a number', { 'saml-response': { strategies: 5 } }, 'methods.saml-response', /\{ strategies \}/],
    [
      'a list',
      { 'saml-response': { strategies: [{ strategy }] } },
      'methods.saml-response',
      /\{ strategies \}/,
    ],
    ['yes', { 'saml-response': true }, 'methods.saml-response', /\{ strategies \}/],
    [
      'a strategy for a provider by itself',
      { 'saml-response': { strategies: { okta: strategy } } },
      'methods.saml-response.strategies.okta',
      /must be \{ strategy \} with a Passport strategy/,
    ],
    [
      'an unknown word beside strategies',
      { 'saml-response': { strategies: {}, stratgies: {} } },
      'methods.saml-response.stratgies',
      /is not an option\. Did you mean strategies\?/,
    ],
    [
      'an unknown word beside a provider’s strategy',
      { 'oauth-auth-code': { strategies: { okta: { strategy, identfy: 1 } } } },
      'methods.oauth-auth-code.strategies.okta.identfy',
      /Did you mean identify\?/,
    ],
    [
      'what identifies and is no function',
      { 'oauth-auth-code': { strategies: { okta: { strategy, identify: 'id' } } } },
      'methods.oauth-auth-code.strategies.okta.identify',
      /must be a function/,
    ],
    [
      'a strategy that nothing could hold against STS',
      { 'aws-iam': { strategy } },
      'methods.aws-iam',
      /must be false: /,
    ],
    [
      'strategies for local methods',
      { password: { strategies: { okta: { strategy } } } },
      'methods.password',
      /must be false, or \{ strategy \}/,
    ],
  ])('methods: %s', (_, methods, path, mend) => {
    const refusal = refusalOf({ ...least, methods });
    expect(refusal.path).toBe(path);
    expect(refusal.message).toMatch(mend);
  });
});

describe('Startup errors: the relying party', () => {
  const domain = /must be a domain in lower case, such as example\.com, without scheme or port$/;
  it.each([
    ['', domain],
    ['Example.com', domain],
    ['https://example.com', domain],
    ['example.com:443', domain],
    ['example.com.', domain],
    ['.example.com', domain],
    ['*.example.com', domain],
    ['bücher.example', domain],
    ['192.0.2.1', domain],
    ['[::1]', domain],
    ['exa mple.com', domain],
    ['-example.com', domain],
  ])('id %j', (id, mend) => {
    const refusal = refusalOf({ ...least, relyingParty: { ...relyingParty, id } });
    expect(refusal.path).toBe('relyingParty.id');
    expect(refusal.message).toMatch(mend);
  });

  const origin = /must be an origin and nothing more, such as https:\/\/app\.example\.com$/;
  const https = /must be https: only localhost may be http$/;
  const elsewhere = /must be on relyingParty\.id or on a subdomain of it: browsers refuse others$/;
  it.each([
    ['', origin],
    ['app.example.com', origin],
    ['null', origin],
    ['*', origin],
    ['https://app.example.com/', origin],
    ['https://app.example.com/sign-in', origin],
    ['https://app.example.com?x', origin],
    ['https://APP.example.com', origin],
    ['https://app.example.com:443', origin],
    ['https://user@app.example.com', origin],
    ['https://*.example.com', origin],
    [' https://app.example.com', origin],
    ['data:text/html,x', origin],
    ['http://app.example.com', https],
    ['ftp://app.example.com', https],
    ['http://localhost.example.com', https],
    ['https://example.org', elsewhere],
    ['https://evil-example.com', elsewhere],
    ['https://example.com.evil.example', elsewhere],
    ['https://example.com.', elsewhere],
    ['https://com', elsewhere],
    ['https://localhost', elsewhere],
  ])('origin %j', (wrong, mend) => {
    const refusal = refusalOf({
      ...least,
      relyingParty: { ...relyingParty, origins: ['https://app.example.com', wrong] },
    });
    expect(refusal.path).toBe('relyingParty.origins.1');
    expect(refusal.message).toMatch(mend);
  });

  it.each([
    ['relyingParty.id', { id: undefined }, /must be a domain/],
    ['relyingParty.name', { name: undefined }, /must be the name that authenticators show$/],
    ['relyingParty.name', { name: 5 }, /must be the name that authenticators show$/],
    ['relyingParty.name', { name: '' }, /must not be empty$/],
    ['relyingParty.origins', { origins: undefined }, /is required$/],
    ['relyingParty.origins', { origins: [] }, /must name one origin at least$/],
    ['relyingParty.origins', { origins: 'https://app.example.com' }, /must be of type array$/],
    ['relyingParty.origins.0', { origins: [new URL('https://app.example.com')] }, /must be an origin/],
    ['relyingParty.appId', { appId: 5 }, /must be the AppID/],
    ...[
      ...['http://example.com', 'https://example.org/app-id.json', 'example.com', 'https://evil-example.com'],
      ...['https://EXAMPLE.com/', 'https://example.com/a b', 'https://com.evil/', 'ftp://example.com'],
    ].map((appId): [string, object, RegExp] => [
      'relyingParty.appId',
      { appId },
      /must be an https URL on relyingParty\.id/,
    ]),
    ['relyingParty.appID', { appID: 'https://example.com' }, /is not an option. Did you mean appId\?/],
  ])('%s in %j', (path, change, mend) => {
    const refusal = refusalOf({ ...least, relyingParty: { ...relyingParty, ...change } });
    expect(refusal.path).toBe(path);
    expect(refusal.message).toMatch(mend);
  });

  const owed = { repositories: { users, apps, devices }, secret };
  const keys = keyAndCertificate('an anchor');

  it('may have an AppID on the domain, above it or below it, as it was spelt for the keys', () => {
    const appIdOf = (change: object) =>
      resolveOptions({ ...owed, relyingParty: { ...relyingParty, ...change } }).secondFactor?.fido2
        .relyingParty.appId;
    for (const appId of [
      ...['https://example.com', 'https://example.com/', 'https://example.com/app-id.json'],
      'https://u2f.example.com/facets.json',
    ])
      expect(appIdOf({ appId })).toBe(appId);
    const below = {
      id: 'app.example.com',
      origins: ['https://app.example.com'],
      appId: 'https://example.com',
    };
    expect([appIdOf(below), appIdOf({})]).toEqual(['https://example.com', null]);
  });

  it.each([
    ['secondFactor.attestation', 'direct', /must be of type object$/],
    ['secondFactor.attestation.trustAnchors', {}, /must be of type array$|is required$/],
    ['secondFactor.attestation.trustAnchors', { trustAnchors: [] }, /must name one certificate at least$/],
    ['secondFactor.attestation.trustAnchors.0', { trustAnchors: [5] }, /must be a certificate in PEM$/],
    [
      'secondFactor.attestation.trustAnchors.1',
      { trustAnchors: [keys.certificate, 'x'] },
      /must be one certificate in PEM$/,
    ],
    [
      'secondFactor.attestation.trustAnchors.0',
      { trustAnchors: [keys.certificate + keys.certificate] },
      /must be one certificate in PEM$/,
    ],
  ])('%s in %j', (path, attestation, mend) => {
    const refusal = refusalOf({ ...owed, relyingParty, secondFactor: { attestation } });
    expect([refusal.path, refusal.message]).toEqual([path, expect.stringMatching(mend)]);
  });

  it('needs an AppID where keys are to answer by U2F itself', () => {
    const refusal = refusalOf({ ...owed, relyingParty, secondFactor: { legacyU2f: true } });
    expect([refusal.path, refusal.message]).toEqual([
      'relyingParty.appId',
      expect.stringMatching(/is required with secondFactor\.legacyU2f$/),
    ]);
  });

  it('may be on localhost over http, with any port, and on subdomains', () => {
    for (const good of [
      { id: 'localhost', origins: ['http://localhost:3000', 'http://app.localhost'] },
      { id: 'example.com', origins: ['https://example.com', 'https://a.b.example.com:8443'] },
      { id: 'xn--bcher-kva.example', origins: ['https://xn--bcher-kva.example'] },
    ]) {
      expect(resolveOptions({ ...least, relyingParty: { name: 'x', ...good } }).origins).toEqual(
        good.origins,
      );
    }
  });
});

describe('resolveOptions', () => {
  it('accepts every option there is, and takes each as it was given', () => {
    const given = full();
    const resolved = resolveOptions(given);
    expect(resolved).toMatchObject({
      origins: ['https://app.example.com'],
      session: { ...given.session },
      lockout: { limit: 5, window: 60, closedFor: 61 },
      throttle: {
        perAddress: { limit: 6, window: 62 },
        perApp: { limit: 7, window: 63 },
        discoveries: { limit: 8, window: 64 },
        overall: { failures: { limit: 9, window: 65 }, discoveries: { limit: 10, window: 65 } },
      },
      hashing: { concurrency: 1, queue: 0 },
      dependencyTimeout: 1,
    });
    expect(resolved.session.store).toBe(given.session.store);
    expect(resolved.stores.counters).toBe(given.stores.counters);
    expect(resolved.clock).toBe(given.clock);
    expect([...resolved.methods]).toEqual([['basic', given.methods.basic]]);
    expect(() => passportControl(given)).not.toThrow();
  });

  it('completes the least with the defaults that the docstrings name', () => {
    const resolved = resolveOptions(least);
    expect(resolved).toMatchObject({
      origins: [],
      session: {
        idleTimeout: { user: 86_400, app: 600 },
        absoluteTimeout: { user: 604_800, app: 86_400 },
        pendingTimeout: 300,
        revalidateAfter: 0,
        maxPerEntity: { user: 100, app: 1000 },
        cookie: { name: 'session', dangerouslyAllowHttpOnLocalhost: false },
      },
      lockout: { limit: 10, window: 900, closedFor: 900 },
      throttle: {
        perAddress: { limit: 100, window: 900 },
        perApp: { limit: 20, window: 300 },
        discoveries: { limit: 120, window: 60 },
        overall: { failures: { limit: 10_000, window: 60 }, discoveries: { limit: 60_000, window: 60 } },
      },
      hashing: { concurrency: 2, queue: 100 },
      dependencyTimeout: 3,
      clock: Date.now,
    });
    expect([...resolved.methods]).toEqual(methodNames.map((name) => [name, null]));
    expect(resolved.onEvent).toBeUndefined();
  });

  it('takes one number for users and apps, and one of both alone', () => {
    const { session } = resolveOptions({
      ...least,
      session: { idleTimeout: 60, absoluteTimeout: { app: 70 }, maxPerEntity: { user: 2 } },
    });
    expect(session).toMatchObject({
      idleTimeout: { user: 60, app: 60 },
      absoluteTimeout: { user: 604_800, app: 70 },
      maxPerEntity: { user: 2, app: 1000 },
    });
  });

  it('has nothing lock or throttle when that is said', () => {
    const { lockout, throttle } = resolveOptions({ ...least, lockout: false, throttle: false });
    expect([lockout, throttle]).toEqual([null, null]);
  });

  it('leaves the devices out when there is to be no second factor', () => {
    const { repositories } = resolveOptions(full());
    expect(repositories).toEqual({ users, apps, accounts, identityProviders });
  });

  it('is frozen, all the way down', () => {
    const resolved = resolveOptions(full());
    expect(Object.isFrozen(resolved)).toBe(true);
    const { secrets, origins, session, lockout, throttle, hashing, stores } = resolved;
    for (const part of [secrets, origins, session, session.cookie, lockout, throttle, hashing, stores])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('writes on nothing of the caller’s, and is not changed through it later', () => {
    const given = full();
    const freeze = (value: unknown): void => {
      if ((!isPlain(value) && !Array.isArray(value)) || Object.isFrozen(value)) return;
      Object.freeze(value);
      for (const each of Object.values(value)) freeze(each);
    };
    freeze(given);
    expect(() => passportControl(given)).not.toThrow();

    const later = full();
    const resolved = resolveOptions(later);
    later.relyingParty.origins.push('https://evil.example');
    later.session.idleTimeout.user = 1;
    later.session.cookie.name = 'other';
    later.lockout.failures = 1_000_000;
    expect(resolved.origins).toEqual(['https://app.example.com']);
    expect(resolved.session.idleTimeout.user).toBe(3600);
    expect(resolved.session.cookie.name).toBe('sid');
    expect(resolved.lockout?.limit).toBe(5);
  });
});

describe('the service provider', () => {
  it.each([
    ['serviceProvider', 'https://example.com', /must be of type object$/],
    ['serviceProvider.entityId', 5, /must be a URI$/],
    ['serviceProvider.entityId', '', /must not be empty$/],
    ['serviceProvider.acsUrl', 5, /must be the URL that responses are posted to$/],
    ['serviceProvider.acsUrl', 'javascript:alert(1)', /must be the URL that responses are posted to$/],
    ['serviceProvider.keys', 'a key', /must be of type array$/],
  ])('%s cannot be %j', (path, value, mend) => {
    const refusal = refusalOf(withValue(full(), path.split('.'), value));
    expect([refusal.path, refusal.message]).toEqual([path, expect.stringMatching(mend)]);
  });
});

describe('aws', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['nothing', {}, 'aws.audience', /is required: /],
    ['no audience', { regions: ['eu-west-1'] }, 'aws.audience', /is required: /],
    ['a weak no', { dangerouslyWithoutAudience: false }, 'aws.audience', /is required: /],
    ['a text', 'https://example.com', 'aws', /must be of type object$/],
    ['an empty audience', { audience: '' }, 'aws.audience', /must be 1 to 255/],
    ['an audience with a space', { audience: 'a b' }, 'aws.audience', /must be 1 to 255/],
    ['a long audience', { audience: 'x'.repeat(256) }, 'aws.audience', /must be 1 to 255/],
    ['a number', { audience: 5 }, 'aws.audience', /must be a text$/],
    [
      'a word for yes',
      { dangerouslyWithoutAudience: 'yes' },
      'aws.dangerouslyWithoutAudience',
      /true or false$/,
    ],
    ['no region', { audience: 'a', regions: [] }, 'aws.regions', /one region at least$/],
    ['an unknown region', { audience: 'a', regions: ['us-moon-1'] }, 'aws.regions.0', /a region of AWS$/],
    ['a text for regions', { audience: 'a', regions: 'eu-west-1' }, 'aws.regions', /must be of type array$/],
    ['a URL', { audience: 'a', stsEndpoint: 'https://x' }, 'aws.stsEndpoint', /must be a function/],
    ...[
      () => 'http://sts.example.com/',
      () => 'https://user@sts.example.com/',
      () => 'https://sts.example.com/path',
      () => 'https://sts.example.com/?a=b',
      () => 'sts.example.com',
      () => Object.assign(Object(5)),
      () => {
        throw new Error('no such region');
      },
    ].map((stsEndpoint): [string, object, string, RegExp] => [
      String(stsEndpoint),
      { audience: 'a', stsEndpoint },
      'aws.stsEndpoint',
      /must answer for us-east-1 with an https URL/,
    ]),
    ['an unknown word', { audience: 'a', region: 'x' }, 'aws.region', /Did you mean regions\?/],
  ])('%s is an error that names its path and the mend', (_, aws, path, mend) => {
    const refusal = refusalOf({ ...least, aws });
    expect([refusal.path, refusal.message]).toEqual([path, expect.stringMatching(mend)]);
  });

  it('takes an audience, or the loud word for none', () => {
    const resolved = (aws: PassportControlOptions['aws']) => resolveOptions({ ...least, aws }).aws;
    expect(resolved(undefined)).toBeNull();
    expect(resolved({ audience: 'a' })?.audience).toBe('a');
    expect(resolved({ dangerouslyWithoutAudience: true })).toMatchObject({
      ...{ audience: null, dangerouslyWithoutAudience: true },
    });
    expect(resolved({ audience: 'a', dangerouslyWithoutAudience: true })?.audience).toBe('a');
  });
});

describe('the endpoints of STS', () => {
  const endpoints = (aws: PassportControlOptions['aws']) =>
    Object.fromEntries(
      [...(resolveOptions({ ...least, aws }).aws?.endpoints ?? [])].map(([at, { url }]) => [at, url]),
    );

  it('are those of all regions that AWS has, or of those that are named', () => {
    expect(Object.keys(endpoints({ audience: 'a' })).length).toBeGreaterThan(35);
    expect(endpoints({ audience: 'a', regions: ['cn-north-1', 'us-gov-east-1'] })).toEqual({
      'cn-north-1': 'https://sts.cn-north-1.amazonaws.com.cn/',
      'us-gov-east-1': 'https://sts.us-gov-east-1.amazonaws.com/',
    });
  });

  it('are where the host says, which may be this machine', () => {
    const [regions, asked] = [['eu-west-1', 'eu-west-2'], [] as string[]];
    const stsEndpoint = (region: string) => {
      asked.push(region);
      return region === 'eu-west-1' ? 'https://vpce.example.com' : 'http://127.0.0.1:4000';
    };
    expect(endpoints({ audience: 'a', regions, stsEndpoint })).toEqual({
      'eu-west-1': 'https://vpce.example.com/',
      'eu-west-2': 'http://127.0.0.1:4000/',
    });
    expect(asked).toEqual(regions);
  });
});

describe('captcha', () => {
  const own = { provider: 'recaptcha', secretKey: 'a key', hostnames: ['www.example.com'] } as const;

  it.each<[string, unknown, string, RegExp]>([
    ['nothing', {}, 'captcha.provider', /must be recaptcha, hcaptcha or turnstile$/],
    ['yes', true, 'captcha', /must be \{ provider, secretKey \}, or an object with the method verify$/],
    ['a word', 'recaptcha', 'captcha', /must be \{ provider, secretKey \}, or an object with/],
    ['another provider', { ...own, provider: 'friendly' }, 'captcha.provider', /must be recaptcha, hcaptcha/],
    ['no key', { provider: 'recaptcha' }, 'captcha.secretKey', /must be the key for servers$/],
    ['an empty key', { ...own, secretKey: '' }, 'captcha.secretKey', /must not be empty$/],
    ['a host', { ...own, hostnames: 'example.com' }, 'captcha.hostnames', /must be of type array$/],
    ['no host', { ...own, hostnames: [] }, 'captcha.hostnames', /must name one host at least$/],
    ['an empty host', { ...own, hostnames: [''] }, 'captcha.hostnames.0', /must not be empty$/],
    [
      'nowhere',
      { ...own, hostnames: undefined },
      'captcha.hostnames',
      /is required without relyingParty.origins$/,
    ],
    ['an empty action', { ...own, action: '' }, 'captcha.action', /must not be empty$/],
    ['a number for action', { ...own, action: 5 }, 'captcha.action', /must be a text$/],
    ['a text for a score', { ...own, minScore: '0.5' }, 'captcha.minScore', /must be a number from 0 to 1$/],
    ['a high score', { ...own, minScore: 1.1 }, 'captcha.minScore', /must be a number from 0 to 1$/],
    ['a low score', { ...own, minScore: -0.1 }, 'captcha.minScore', /must be a number from 0 to 1$/],
    ['a word for yes', { ...own, sendAddress: 'yes' }, 'captcha.sendAddress', /must be true or false$/],
    ['http', { ...own, endpoint: 'http://www.example.com/' }, 'captcha.endpoint', /must be an https URL$/],
    ['a path', { ...own, endpoint: '/siteverify' }, 'captcha.endpoint', /must be an https URL$/],
    ['an unknown word', { ...own, hostname: ['x'] }, 'captcha.hostname', /Did you mean hostnames\?/],
    [
      'a score of hcaptcha',
      { ...own, provider: 'hcaptcha', minScore: 0.5 },
      'captcha.minScore',
      /is for recaptcha alone$/,
    ],
    [
      'an action of hcaptcha',
      { ...own, provider: 'hcaptcha', action: 'sign-in' },
      'captcha.action',
      /is unknown to hcaptcha$/,
    ],
  ])('%s is an error that names its path and the mend', (_, captcha, path, mend) => {
    const refusal = refusalOf({ ...least, captcha });
    expect([refusal.path, refusal.message]).toEqual([path, expect.stringMatching(mend)]);
  });

  it('has nothing to open where nothing locks', () => {
    const refusal = refusalOf({ ...least, lockout: false, captcha: own });
    expect([refusal.path, refusal.message]).toEqual(['captcha', expect.stringMatching(/nothing locks$/)]);
  });

  it.each([
    ['recaptcha', 'https://www.google.com/recaptcha/api/siteverify', { least: 0.5, required: false }],
    ['hcaptcha', 'https://api.hcaptcha.com/siteverify', null],
    ['turnstile', 'https://challenges.cloudflare.com/turnstile/v0/siteverify', null],
  ] as const)('%s is asked where it is, for the hosts of the relying party', (provider, url, score) => {
    const { captcha } = resolveOptions({
      ...least,
      relyingParty: {
        id: 'example.com',
        name: 'x',
        origins: ['https://app.example.com', 'https://example.com:8443'],
      },
      captcha: { provider, secretKey: 'a key' },
    });
    expect(captcha).toEqual({
      siteverify: {
        ...{ url, secretKey: 'a key', sendAddress: false, action: null, score },
        hostnames: ['app.example.com', 'example.com'],
      },
    });
  });

  it('takes what is said of it, and whatever the host has itself', () => {
    const { captcha } = resolveOptions(full());
    expect(captcha).toEqual({
      siteverify: {
        ...{ url: 'https://www.recaptcha.net/siteverify', secretKey: 'a key', sendAddress: true },
        ...{ action: 'sign-in', hostnames: ['www.example.com'], score: { least: 0.7, required: true } },
      },
    });
    const verifier = { verify: async () => true };
    expect(resolveOptions({ ...least, captcha: verifier }).captcha).toEqual({ own: verifier });
  });
});

describe('undefined means absent, and null does not', () => {
  const required = [
    'repositories',
    'secret',
    ...['relyingParty.id', 'relyingParty.name', 'relyingParty.origins'],
    ...['serviceProvider.entityId', 'serviceProvider.acsUrl', 'aws.audience'],
    ...['captcha.provider', 'captcha.secretKey'],
    ...['methods.basic.strategy', 'stores.oneTime', 'stores.counters', 'stores.index'],
  ];
  const all = allPaths.map((path) => path.join('.'));

  it.each(all.filter((path) => !required.includes(path)))('%s: undefined', (path) => {
    const together = ['session', 'session.store', 'stores'];
    const absent = together.includes(path) ? ['session.store', 'stores', path] : [path];
    const options = absent.reduce<object>((all, each) => withValue(all, each.split('.'), undefined), full());
    expect(() => passportControl(options as PassportControlOptions)).not.toThrow();
  });

  it.each(required)('%s: undefined, though required', (path) => {
    const at = path === 'methods.basic.strategy' ? 'methods.basic' : path;
    expect(refusalOf(withValue(full(), path.split('.'), undefined)).path).toBe(at);
  });

  it.each(all)('%s: null', (path) => {
    const at = path === 'methods.basic.strategy' ? 'methods.basic' : path;
    expect(refusalOf(withValue(full(), path.split('.'), null)).path).toBe(at);
  });

  it.each([undefined, {}, { store: undefined }])('session.store is required beside stores: %j', (session) => {
    const refusal = refusalOf({ ...full(), session });
    expect(refusal.path).toBe('session.store');
    expect(refusal.message).toMatch(/is required beside stores/);
  });
});
