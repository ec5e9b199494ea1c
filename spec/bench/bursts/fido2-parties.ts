import type { NewMfaDevice } from 'passport-control';
import { SoftwareAuthenticator } from 'passport-control/testing';

/** Who assertions are made for. */
export const relyingParty = { id: 'localhost', name: 'Bench', origins: ['http://localhost'] };

/** What is signed where nobody keeps challenges. */
export const challenge = 'Y2hhbGxlbmdlIHdoZXJlIG5vYm9keSBrZWVwcyBvbmU';

/** A user and the row of the user's device. */
export interface DeviceSeed {
  id: string;
  email: string;
  device: NewMfaDevice;
}

/** A user, and the authenticator that holds the key of the user's device. */
export interface Holder extends DeviceSeed {
  key: SoftwareAuthenticator;
}

/** The user of this number, with a new authenticator. */
export async function holder(n: number): Promise<Holder> {
  const id = `a11ce000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const key = new SoftwareAuthenticator({ origin: relyingParty.origins[0] ?? '' });
  const device = await key.enrolled({ id }, { name: 'key', rpId: relyingParty.id });
  return { id, email: `user${n}@example.com`, device, key };
}
