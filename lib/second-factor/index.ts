import type { Audit } from '../defence/audit.js';
import type { CounterStore } from '../defence/counters.js';
import type { FailureLimit } from '../defence/failure-window.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import type { OneTimeStore } from '../defence/one-time.js';
import type { Sessions } from '../sessions/sessions.js';
import { factorAttempts } from './attempts.js';
import { type Challenges, challenges, type Fido2Settings } from './challenges.js';
import { challengeClaims } from './claims.js';
import { type Fido2Completion, fido2Completion } from './completion.js';
import { type Enrolment, enrolment } from './enrolment.js';

/** What the second factor is made from. `clock` is in milliseconds since the epoch. */
export interface SecondFactorParts {
  settings: Fido2Settings;
  devices: GuardedDevices;
  sessions: Sessions;
  oneTime: OneTimeStore;
  counters: CounterStore;
  /** Failures of one user, in all sessions and by all factors; `null`: any number. */
  perUser: FailureLimit | null;
  clock: () => number;
  randomBytes: (size: number) => Buffer;
  /** Names whoever claims a challenge: different at each call. */
  owner: () => string;
  audit: Audit;
}

/** The second factor: giving challenges, completing sign-ins, enrolling devices. */
export interface SecondFactor {
  devices: GuardedDevices;
  challenges: Challenges;
  complete: Fido2Completion;
  enrolment: Enrolment;
}

/** Puts the second factor together. */
export function secondFactor(parts: SecondFactorParts): SecondFactor {
  const { settings, clock, oneTime } = parts;
  const shared = {
    ...parts,
    challenges: challenges(settings, clock, parts.randomBytes),
    claims: challengeClaims(oneTime, parts.owner, clock),
  };
  const attempts = factorAttempts({ ...parts, pendingTimeout: settings.timeout });
  return {
    devices: parts.devices,
    challenges: shared.challenges,
    complete: fido2Completion({ ...shared, attempts }),
    enrolment: enrolment(shared),
  };
}
