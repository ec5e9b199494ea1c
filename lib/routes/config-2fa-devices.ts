import type { GuardedDevices } from '../defence/guarded-devices.js';
import type { MfaDevice } from '../repositories/index.js';
import type { DeviceChanges } from '../second-factor/devices.js';
import type { Enrolment } from '../second-factor/enrolment.js';
import { addDeviceRequest, parseBody, removeDeviceRequest, renameDeviceRequest } from '../wire/schemas.js';
import { sendJson } from '../wire/send-json.js';
import type { DeviceList, ListedDevice } from '../wire/webauthn.js';
import { type AdmittedWork, userOf } from './admitted.js';
import { clientOf } from './client.js';

/** What listing and changing devices is made from. */
export interface DeviceDependencies {
  devices: GuardedDevices;
  enrolment: Enrolment;
  changes: DeviceChanges;
}

/** `GET session/config_2fa/devices`: the devices of the session's user, and how many recovery codes are left. */
export function listDevices(devices: GuardedDevices): AdmittedWork {
  return async (_request, response, session) => {
    const { id } = userOf(session);
    const [theirs, codes] = await Promise.all([devices.listByUser(id), devices.countRecoveryCodes(id)]);
    const list: DeviceList = { mfa_devices: theirs.map(listed), recovery_codes_left: codes };
    sendJson(response, 200, list);
  };
}

/**
 * `POST session/config_2fa/devices`: adds the device that has answered the challenge, while the configuration is unlocked. A
 * session that was to enrol it gets the challenge that completes it.
 */
export function addDevice(enrolment: Enrolment): AdmittedWork {
  return async (request, response, session, body) => {
    const { name, attestationResult } = parseBody(addDeviceRequest, body);
    const given = { name, attestation: attestationResult, client: clientOf(request) };
    const { device, owed } = await enrolment.add(session, given);
    sendJson(response, 201, {
      ...listed(device),
      ...(owed === null ? {} : { fido2_assertion_options: owed }),
    });
  };
}

/** `PATCH session/config_2fa/devices`: gives a device another name, while the configuration is unlocked. */
export function renameDevice(changes: DeviceChanges): AdmittedWork {
  return async (request, response, session, body) => {
    const { old_name: from, new_name: to } = parseBody(renameDeviceRequest, body);
    await changes.rename(session, { from, to, client: clientOf(request) });
    response.status(204).end();
  };
}

/** `DELETE session/config_2fa/devices`: removes a device, while the configuration is unlocked. */
export function removeDevice(changes: DeviceChanges): AdmittedWork {
  return async (request, response, session, body) => {
    const { name } = parseBody(removeDeviceRequest, body);
    await changes.remove(session, { name, client: clientOf(request) });
    response.status(204).end();
  };
}

function listed({ name, type, origin, createdAt, lastUsedAt }: MfaDevice): ListedDevice {
  return {
    ...{ name, type, origin },
    created_at: new Date(createdAt).toISOString(),
    last_used_at: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
  };
}
