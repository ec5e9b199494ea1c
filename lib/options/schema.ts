import { z } from 'zod';
import type { Captcha } from '../defence/captcha.js';
import type { CounterStore } from '../defence/counters.js';
import type { OneTimeStore } from '../defence/one-time.js';
import { stsEndpoint } from '../federation/sts-endpoint.js';
import type { Repositories } from '../repositories/index.js';
import type { SessionIndex } from '../sessions/entity-index.js';
import type { SessionStore } from '../sessions/rows.js';
import { userVerification } from '../wire/webauthn.js';
import type { PassportControlOptions } from './public.js';

/** At most what `expires_in` can say on the wire. */
const seconds = z
  .number({ error: 'must be a number of seconds' })
  .positive('must be more than 0 seconds')
  .max(4_294_967_295, 'must be at most 4,294,967,295 seconds');
const count = z.int({ error: 'must be a whole number' }).min(1, 'must be at least 1');
const perPrincipal = (each: typeof seconds | typeof count) =>
  z.union([each, z.strictObject({ user: each.optional(), app: each.optional() })], {
    error: 'must be a positive number, or { user, app } with one for each',
  });
const fn = <T>(what: string) =>
  z.custom<T>((value) => typeof value === 'function', {
    error: `must be ${what}`,
  });
/** An object with these methods. */
const having = <T>(...names: string[]) =>
  z.custom<T>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      names.every((name) => typeof Reflect.get(value, name) === 'function'),
    { error: `must have the methods ${names.join(', ')}` },
  );

const rate = z.strictObject({
  failures: count.optional(),
  window: seconds.optional(),
});

/** The shape of the options; what one option means for another is checked by `resolveOptions`. */
export const optionsSchema = z.strictObject({
  repositories: z.strictObject(
    {
      users: having<Repositories['users']>('findById', 'findByEmail').optional(),
      apps: having<Repositories['apps']>('findById', 'findByName').optional(),
      accounts: having<Repositories['accounts']>('findById').optional(),
      devices: having<Repositories['devices']>(
        'listByUser',
        'findByCredentialId',
        'add',
        'remove',
        'recordUse',
        'rename',
        'replaceRecoveryCodes',
        'hasRecoveryCode',
        'countRecoveryCodes',
        'consumeRecoveryCode',
      ).optional(),
      identityProviders: having<Repositories['identityProviders']>('findById').optional(),
    },
    {
      error: (issue) => (issue.code === 'invalid_type' ? 'must be an object of repositories' : undefined),
    },
  ),
  secret: z.custom<PassportControlOptions['secret']>((value) => value !== undefined, {
    error: 'is required: 32 random bytes or more, such as crypto.randomBytes(32)',
  }),
  relyingParty: z
    .strictObject({
      id: z.string('must be a domain, such as example.com'),
      name: z.string('must be the name that authenticators show').min(1, 'must not be empty'),
      origins: z
        .array(z.string('must be an origin, such as https://example.com'))
        .min(1, 'must name one origin at least'),
      appId: z.string('must be the AppID that keys were registered for through U2F').optional(),
    })
    .optional(),
  methods: z
    .custom<Record<string, unknown>>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      {
        error: 'must be an object of methods, each false, { strategy } or { strategies }',
      },
    )
    .optional(),
  session: z
    .strictObject({
      store: having<SessionStore>('get', 'set', 'destroy').optional(),
      idleTimeout: perPrincipal(seconds).optional(),
      absoluteTimeout: perPrincipal(seconds).optional(),
      pendingTimeout: seconds.optional(),
      revalidateAfter: z.number('must be a number of seconds').min(0, 'must not be negative').optional(),
      maxPerEntity: perPrincipal(count).optional(),
      cookie: z
        .strictObject({
          name: z
            .string('must be a string')
            .regex(
              /^[A-Za-z0-9_-]{1,64}$/,
              'must be 1 to 64 letters, digits, hyphens and underscores, without __Host-',
            )
            .refine(
              (name) => !/^__(host|secure)-/i.test(name),
              'must not begin with a prefix: __Host- is added to it',
            )
            .optional(),
          dangerouslyAllowHttpOnLocalhost: z.boolean('must be true or false').optional(),
        })
        .optional(),
    })
    .optional(),
  secondFactor: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          attestation: z
            .strictObject({
              trustAnchors: z
                .array(z.string('must be a certificate in PEM'))
                .min(1, 'must name one certificate at least'),
            })
            .optional(),
          legacyU2f: z.boolean('must be true or false').optional(),
          endOtherSessionsOnChange: z.boolean('must be true or false').optional(),
          userVerification: z
            .enum(userVerification.options, 'must be required, preferred or discouraged')
            .optional(),
        }),
      ],
      {
        error:
          'must be false, which switches the second factor off, or { userVerification, attestation, endOtherSessionsOnChange, legacyU2f }',
      },
    )
    .optional(),
  serviceProvider: z
    .strictObject({
      entityId: z
        .string('must be a URI')
        .min(1, 'must not be empty')
        .max(1024, 'must be at most 1,024 characters'),
      acsUrl: z.url({ protocol: /^https?$/, error: 'must be the URL that responses are posted to' }),
      keys: z
        .array(
          z.strictObject({
            privateKey: z.string('must be a private key in PEM'),
            certificate: z.string('must be a certificate in PEM'),
          }),
        )
        .optional(),
    })
    .optional(),
  aws: z
    .strictObject({
      audience: z
        .string('must be a text')
        .regex(/^[!-~]{1,255}$/, 'must be 1 to 255 printable ASCII characters without a space')
        .optional(),
      dangerouslyWithoutAudience: z.boolean('must be true or false').optional(),
      regions: z
        .array(z.string().refine((region) => stsEndpoint(region) !== null, 'must be a region of AWS'))
        .min(1, 'must name one region at least')
        .optional(),
      stsEndpoint: z
        .custom<(region: string) => string>((value) => typeof value === 'function', {
          error: 'must be a function from a region to a URL',
        })
        .optional(),
    })
    .optional(),
  lockout: z
    .union([z.literal(false), rate.extend({ duration: seconds.optional() })], {
      error: 'must be false, or { failures, window, duration } with positive numbers',
    })
    .optional(),
  captcha: z
    .union(
      [
        z.strictObject({
          provider: z.enum(
            ['recaptcha', 'hcaptcha', 'turnstile'],
            'must be recaptcha, hcaptcha or turnstile',
          ),
          secretKey: z.string('must be the key for servers').min(1, 'must not be empty'),
          hostnames: z
            .array(z.string('must be a host').min(1, 'must not be empty'))
            .min(1, 'must name one host at least')
            .optional(),
          action: z.string('must be a text').min(1, 'must not be empty').optional(),
          minScore: z
            .number('must be a number from 0 to 1')
            .min(0, 'must be a number from 0 to 1')
            .max(1, 'must be a number from 0 to 1')
            .optional(),
          sendAddress: z.boolean('must be true or false').optional(),
          endpoint: z.string('must be a URL').optional(),
        }),
        having<Captcha>('verify'),
      ],
      { error: 'must be { provider, secretKey }, or an object with the method verify' },
    )
    .optional(),
  throttle: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          perAddress: rate.optional(),
          perApp: rate.optional(),
          discoveries: z.strictObject({ requests: count.optional(), window: seconds.optional() }).optional(),
          overall: z
            .strictObject({
              failures: count.optional(),
              discoveries: count.optional(),
              window: seconds.optional(),
            })
            .optional(),
        }),
      ],
      {
        error: 'must be false, or { perAddress, perApp, discoveries, overall }, each with positive numbers',
      },
    )
    .optional(),
  hashing: z
    .strictObject({
      concurrency: count.optional(),
      queue: z.int('must be a whole number').min(0, 'must not be negative').optional(),
    })
    .optional(),
  stores: z
    .union(
      [
        z.literal('dangerouslyPerProcess'),
        z.strictObject({
          oneTime: having<OneTimeStore>('claim', 'release', 'put', 'get'),
          counters: having<CounterStore>('increment', 'decrement', 'get', 'clear'),
          index: having<SessionIndex>('add', 'remove', 'list'),
        }),
      ],
      {
        error:
          "must be { oneTime, counters, index } with the stores of your nodes, or 'dangerouslyPerProcess'",
      },
    )
    .optional(),
  onEvent: fn<NonNullable<PassportControlOptions['onEvent']>>('a function that takes an event').optional(),
  dependencyTimeout: seconds.max(60, 'must be at most 60 seconds').optional(),
  fetch: fn<NonNullable<PassportControlOptions['fetch']>>('a function like fetch').optional(),
  clock: fn<() => number>('a function that answers milliseconds since the epoch').optional(),
  randomBytes: fn<(size: number) => Buffer>('a function that answers so many random bytes').optional(),
});
