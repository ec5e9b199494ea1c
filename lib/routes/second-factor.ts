import type { GuardedDevices } from '../defence/guarded-devices.js';
import type { Gate, Requirement } from '../sessions/gate.js';
import type { BodyReader } from '../wire/body.js';
import { admitted } from './admitted.js';
import { config2faAuth, type UnlockDependencies } from './config-2fa-auth.js';
import { addDevice, listDevices } from './config-2fa-devices.js';
import { config2faNewChallenge } from './config-2fa-new-challenge.js';
import { config2faTerminate } from './config-2fa-terminate.js';
import type { Route } from './handler.js';
import { type Fido2Dependencies, sessionAuthFido2 } from './session-auth-fido2.js';

/** What the routes of the second factor are made from. */
export type SecondFactorDependencies = Fido2Dependencies &
  UnlockDependencies & { devices: GuardedDevices; readBody: BodyReader };

/** The routes that complete a second factor, and those that enrol one. */
export function secondFactorRoutes(
  gate: Gate,
  dependencies: SecondFactorDependencies,
): Record<string, Route> {
  const { enrolment, devices, readBody } = dependencies;
  const pending: Requirement = { states: ['pending'], principal: 'user' };
  const active: Requirement = { states: ['active'], principal: 'user' };
  return {
    '/session/auth/2fa/fido2': { POST: admitted(gate, pending, sessionAuthFido2(dependencies), readBody) },
    '/session/config_2fa/auth': { POST: admitted(gate, active, config2faAuth(dependencies), readBody) },
    '/session/config_2fa/new_challenge': { POST: admitted(gate, active, config2faNewChallenge(enrolment)) },
    '/session/config_2fa/terminate': { POST: admitted(gate, active, config2faTerminate(enrolment)) },
    '/session/config_2fa/devices': {
      GET: admitted(gate, active, listDevices(devices)),
      POST: admitted(gate, active, addDevice(enrolment), readBody),
    },
  };
}
