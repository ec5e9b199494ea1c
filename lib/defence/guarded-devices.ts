import type { DeviceRepository, MfaDevice } from '../repositories/index.js';
import { canonicalBase64url } from '../wire/base64url.js';
import { name } from '../wire/schemas.js';
import { boolean, type Dependency } from './dependency.js';

/** The host's devices behind the guard. */
export type GuardedDevices = DeviceRepository;

/** Puts the device repository behind `dependency`: deadlines, and a look at every answer. */
export function guardDevices(devices: DeviceRepository, dependency: Dependency): GuardedDevices {
  return {
    listByUser: (userId) => dependency('devices.listByUser', () => devices.listByUser(userId), listOfDevices),
    findByCredentialId: (credentialId) =>
      dependency(
        'devices.findByCredentialId',
        () => devices.findByCredentialId(credentialId),
        (answer) =>
          answer === null || (isDevice(answer) && answer.credentialId === credentialId) ? answer : undefined,
      ),
    add: (userId, device) => dependency('devices.add', () => devices.add(userId, device), boolean),
    remove: (userId, name) => dependency('devices.remove', () => devices.remove(userId, name), boolean),
    recordUse: (userId, credentialId, use) =>
      dependency('devices.recordUse', () => devices.recordUse(userId, credentialId, use), boolean),
    rename: (userId, from, to) =>
      dependency('devices.rename', () => devices.rename(userId, from, to), boolean),
    replaceRecoveryCodes: (userId, hashes) =>
      dependency(
        'devices.replaceRecoveryCodes',
        async () => {
          await devices.replaceRecoveryCodes(userId, hashes);
          return true;
        },
        boolean,
      ).then(() => {}),
    hasRecoveryCode: (userId, hash) =>
      dependency('devices.hasRecoveryCode', () => devices.hasRecoveryCode(userId, hash), boolean),
    consumeRecoveryCode: (userId, hash) =>
      dependency('devices.consumeRecoveryCode', () => devices.consumeRecoveryCode(userId, hash), boolean),
    countRecoveryCodes: (userId) =>
      dependency(
        'devices.countRecoveryCodes',
        () => devices.countRecoveryCodes(userId),
        (answer) => (isCount(answer) ? answer : undefined),
      ),
  };
}

/** A list in which two devices share a name or a credential is one in which nobody knows which is meant. */
function listOfDevices(answer: unknown): readonly MfaDevice[] | undefined {
  if (!Array.isArray(answer) || !answer.every(isDevice)) return undefined;
  const names = new Set(answer.map(({ name }) => name));
  const ids = new Set(answer.map(({ credentialId }) => credentialId));
  return names.size === answer.length && ids.size === answer.length ? answer : undefined;
}

function isDevice(value: unknown): value is MfaDevice {
  if (typeof value !== 'object' || value === null) return false;
  const device: Partial<Record<keyof MfaDevice, unknown>> = value;
  const { credentialId, transports } = device;
  return (
    name.safeParse(device.name).success &&
    (device.type === 'Fido2' || device.type === 'U2f') &&
    typeof credentialId === 'string' &&
    canonicalBase64url(credentialId) === credentialId &&
    device.publicKey instanceof Uint8Array &&
    isCount(device.counter) &&
    Array.isArray(transports) &&
    transports.every((each) => typeof each === 'string') &&
    typeof device.backupEligible === 'boolean' &&
    typeof device.backedUp === 'boolean' &&
    isTime(device.createdAt) &&
    (device.lastUsedAt === null || isTime(device.lastUsedAt)) &&
    (device.origin === null || typeof device.origin === 'string')
  );
}

/** Milliseconds since the epoch, of a time that a calendar has. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
