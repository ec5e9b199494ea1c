import { fido2Burst, fido2ByHandBurst } from './bursts/fido2.js';
import { samlBurst } from './bursts/saml.js';
import { alone, burst, rate, type Subject, wait, waitAmongLogins } from './subjects.js';

/** What subjects are measured by, side by side. */
export interface Work {
  name: string;
  unit: string;
  /** Whether it is measured once: what does not depend on how fast the machine is. @default it is not */
  isOnce?: boolean;
  /** Whether making ready for it takes longer than a quick run has. @default it does not */
  isLong?: boolean;
  /** Seconds that a round takes at least: so slow is what is measured. @default any */
  leastSeconds?: number;
  subjects: readonly Subject[];
  /** What one must be of another, or, without `against`, in itself. */
  targets: readonly { of: string; against?: string; least?: number; most?: number }[];
}

export const works: readonly Work[] = [
  {
    name: 'protected GET',
    unit: 'per second',
    subjects: [
      rate('Express alone', 'bare', 'protected'),
      rate('the same four steps by hand', 'byHand', 'protected'),
      rate('passport-control, Bearer', 'oursInMemory', 'protected'),
      rate('passport-control, Cookie', 'oursInMemory', 'protected by cookie'),
      rate('passport-control, Bearer, Redis', 'oursOnRedis', 'protected'),
      rate('passport-http-bearer, a map', 'httpBearer', 'protected'),
      rate('passport + express-session', 'passportSession', 'protected'),
      rate('better-auth, getSession', 'betterAuth', 'protected'),
    ],
    targets: [
      { of: 'passport-control, Bearer', against: 'Express alone', least: 0.85 },
      { of: 'passport-control, Bearer', against: 'the same four steps by hand', least: 0.97 },
      { of: 'passport-control, Bearer', against: 'passport + express-session', least: 2 },
      { of: 'passport-control, Bearer', against: 'better-auth, getSession', least: 4 },
      { of: 'passport-control, Cookie', against: 'Express alone', least: 0.8 },
      { of: 'passport-control, Bearer, Redis', against: 'Express alone', least: 0.6 },
    ],
  },
  {
    name: 'forged token',
    unit: 'per second',
    subjects: [
      rate('Express alone, 401', 'bare', 'forged'),
      rate('passport-control, 401', 'oursInMemory', 'forged'),
    ],
    targets: [{ of: 'passport-control, 401', against: 'Express alone, 401', least: 0.95 }],
  },
  {
    name: 'app login by API key',
    unit: 'per second',
    subjects: [
      rate('Express alone, POST', 'bare', 'app login'),
      rate('passport-control', 'oursInMemory', 'app login'),
      rate('passport-control, Redis', 'oursOnRedis', 'app login'),
      rate('passport-http + express-session', 'passportSession', 'app login'),
    ],
    targets: [
      { of: 'passport-control', against: 'Express alone, POST', least: 0.5 },
      { of: 'passport-control', against: 'passport-http + express-session', least: 2 },
    ],
  },
  {
    name: 'password login, 32 in flight',
    unit: 'per second',
    leastSeconds: 1,
    subjects: [
      alone('argon2id alone', './alone/argon2.js'),
      rate('passport-control', 'oursInMemory', 'password login'),
      rate('better-auth', 'betterAuth', 'password login'),
    ],
    targets: [{ of: 'passport-control', against: 'argon2id alone', least: 0.95 }],
  },
  {
    name: 'FIDO2 completion, 32 in flight',
    unit: 'per second',
    subjects: [
      alone('@simplewebauthn/server alone', './alone/fido2.js'),
      burst('the library in a handler, and nothing else', fido2ByHandBurst),
      burst('passport-control', fido2Burst),
    ],
    targets: [{ of: 'passport-control', against: '@simplewebauthn/server alone', least: 0.7 }],
  },
  {
    name: 'saml-response, 32 in flight',
    unit: 'per second',
    subjects: [alone('node-saml alone', './alone/saml.js'), burst('passport-control', samlBurst)],
    targets: [{ of: 'passport-control', against: 'node-saml alone', least: 0.85 }],
  },
  {
    name: 'protected GET, one at a time',
    unit: 'ms, median',
    subjects: [wait('idle', 'oursInMemory'), waitAmongLogins('64 password logins in flight', 'oursInMemory')],
    targets: [{ of: '64 password logins in flight', against: 'idle', most: 4 }],
  },
  {
    name: 'validation, memory store',
    unit: 'per second',
    isLong: true,
    subjects: [
      alone('1,000 live sessions', './alone/sessions.js', '1000'),
      alone('1,000,000 live sessions', './alone/sessions.js', '1000000'),
    ],
    targets: [{ of: '1,000 live sessions', against: '1,000,000 live sessions', most: 1.15 }],
  },
  {
    name: 'memory store, 1,000,000 sessions',
    unit: 'bytes of heap a session',
    isOnce: true,
    isLong: true,
    subjects: [alone('passport-control', './alone/bytes.js', '1000000')],
    targets: [{ of: 'passport-control', most: 700 }],
  },
  {
    name: 'start',
    unit: 'ms',
    subjects: [
      alone('import express', './alone/start.js', 'express'),
      alone('import and passportControl()', './alone/start.js', 'ours'),
    ],
    targets: [{ of: 'import and passportControl()', against: 'import express', most: 2.2 }],
  },
];
