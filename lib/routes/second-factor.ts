import type { Gate, Requirement } from '../sessions/gate.js';
import type { BodyReader } from '../wire/body.js';
import { admitted } from './admitted.js';
import type { CompletionDependencies } from './completion.js';
import { config2faAuth, type UnlockDependencies } from './config-2fa-auth.js';
import {
  addDevice,
  type DeviceDependencies,
  listDevices,
  removeDevice,
  renameDevice,
} from './config-2fa-devices.js';
import { config2faNewChallenge } from './config-2fa-new-challenge.js';
import { config2faTerminate } from './config-2fa-terminate.js';
import { generateRecoveryCodes, type RecoveryCodeDependencies } from './generate-recovery-codes.js';
import type { Route } from './handler.js';
import { sessionAuthFido2 } from './session-auth-fido2.js';
import { sessionAuthRecoveryCode } from './session-auth-recovery-code.js';
import { sessionAuthU2f } from './session-auth-u2f.js';

/** What the routes of the second factor are made from. */
export type SecondFactorDependencies = CompletionDependencies &
  UnlockDependencies &
  DeviceDependencies &
  RecoveryCodeDependencies & { readBody: BodyReader };

/** The routes that complete a second factor, and those that enrol one. */
export function secondFactorRoutes(
  gate: Gate,
  dependencies: SecondFactorDependencies,
): Record<string, Route> {
  const { configuration, enrolment, changes, devices, readBody } = dependencies;
  const pending: Requirement = { states: ['pending'], principal: 'user' };
  const enrolling: Requirement = { states: ['active', 'enrolling'], principal: 'user' };
  const active: Requirement = { states: ['active'], principal: 'user' };
  return {
    '/session/auth/2fa/fido2': { POST: admitted(gate, pending, sessionAuthFido2(dependencies), readBody) },
    '/session/auth/2fa/u2f': { POST: admitted(gate, pending, sessionAuthU2f(dependencies), readBody) },
    '/session/auth/2fa/recovery_code': {
      POST: admitted(gate, pending, sessionAuthRecoveryCode(dependencies), readBody),
    },
    '/session/config_2fa/auth': { POST: admitted(gate, active, config2faAuth(dependencies), readBody) },
    '/session/config_2fa/new_challenge': {
      POST: admitted(gate, enrolling, config2faNewChallenge(enrolment)),
    },
    '/session/config_2fa/terminate': { POST: admitted(gate, active, config2faTerminate(configuration)) },
    '/session/config_2fa/devices': {
      GET: admitted(gate, active, listDevices(devices)),
      POST: admitted(gate, enrolling, addDevice(enrolment), readBody),
      PATCH: admitted(gate, active, renameDevice(changes), readBody),
      DELETE: admitted(gate, active, removeDevice(changes), readBody),
    },
    '/users/generate_recovery_codes': { POST: admitted(gate, active, generateRecoveryCodes(dependencies)) },
  };
}
