import { ConfigError } from '../errors.js';
import type { PassportControlOptions } from './public.js';

const minBytes = 32;
/** Fewer different bytes than random ones ever have: a repeated character, a counted sequence, a sample. */
const minDistinct = 11;

/**
 * The secrets as bytes, the signing one first.
 *
 * @throws ConfigError when one is missing, too short or plainly not random; it never quotes the secret
 */
export function resolveSecrets(secret: PassportControlOptions['secret']): readonly Uint8Array[] {
  const given = typeof secret === 'string' || secret instanceof Uint8Array ? [secret] : secret;
  if (!Array.isArray(given) || given.length === 0) {
    throw new ConfigError('secret', 'must be a secret of 32 random bytes or more, or a list of them');
  }
  return given.map((each, index) => {
    const path = given.length === 1 ? 'secret' : `secret.${index}`;
    if (typeof each !== 'string' && !(each instanceof Uint8Array)) {
      throw new ConfigError(path, 'must be a string or a Uint8Array');
    }
    const bytes = Uint8Array.from(Buffer.from(each));
    if (bytes.length < minBytes) {
      throw new ConfigError(
        path,
        `must have 32 bytes at least, such as crypto.randomBytes(32); it has ${bytes.length}`,
      );
    }
    if (new Set(bytes).size < minDistinct) {
      throw new ConfigError(path, 'is not random: make one with crypto.randomBytes(32)');
    }
    return bytes;
  });
}
