import type { NewMfaDevice } from '../repositories/index.js';
import { keyOfU2f } from './public-key.js';

/** What a registration through U2F does not say of the device. */
export interface U2fDeviceDetails {
  /** Unique among the user's devices. */
  name: string;
  /** The counter that was seen last. @default 0 */
  counter?: number;
  /** When it was registered, in milliseconds since the epoch. */
  createdAt: number;
  /** Where it was registered. @default null */
  origin?: string | null;
}

const [reserved, keyLength] = [0x05, 65];

/**
 * Makes a device of what a key has answered when it was registered through U2F (FIDO U2F Raw Message Formats 1.2, section 4.3),
 * for bringing keys along from an older system. Whoever took the registration has verified it: of certificate and signature
 * nothing is looked at here. The device signs in where `relyingParty.appId` is the AppID that it was registered for.
 *
 * @param registrationData the bytes, or their base64 or base64url
 * @throws RangeError for what is no registration
 *
 * @example await devices.add(userId, deviceFromU2fRegistration(row.registration_data, { name: row.label, counter: row.counter, createdAt }));
 */
export function deviceFromU2fRegistration(
  registrationData: Uint8Array | string,
  { name, counter = 0, createdAt, origin = null }: U2fDeviceDetails,
): NewMfaDevice {
  const bytes =
    typeof registrationData === 'string'
      ? Buffer.from(registrationData, 'base64')
      : Buffer.from(registrationData);
  const publicKey = bytes.subarray(1, 1 + keyLength);
  const length = bytes[1 + keyLength] ?? 0;
  const keyHandle = bytes.subarray(2 + keyLength, 2 + keyLength + length);
  // After the key handle comes the certificate, which is a DER sequence.
  const isWhole = keyHandle.length === length && length > 0 && bytes[2 + keyLength + length] === 0x30;
  if (bytes[0] !== reserved || !isWhole || keyOfU2f(publicKey) === null)
    throw new RangeError('passport-control: these bytes are no registration through U2F');
  return {
    ...{ name, type: 'U2f', credentialId: keyHandle.toString('base64url') },
    ...{ publicKey: Uint8Array.from(publicKey), counter, transports: [], backupEligible: false },
    ...{ backedUp: false, createdAt, origin },
  };
}
