import { z } from 'zod';

/**
 * Reads base64url (RFC 4648, section 5), padded or not, into its one canonical spelling without padding. `null` for
 * anything else, the alphabet of standard base64 among it.
 */
export function canonicalBase64url(text: string): string | null {
  const digits = text.replace(/={1,2}$/, '');
  const padded = digits.length !== text.length;
  if (!/^[A-Za-z0-9_-]*$/.test(digits) || digits.length % 4 === 1) return null;
  if (padded && text.length % 4 !== 0) return null;
  return Buffer.from(digits, 'base64url').toString('base64url');
}

/** The same where bytes may come in standard base64 too. */
export function anyBytes(most: number) {
  return z
    .string()
    .transform((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
    .pipe(bytes(most));
}

/** Bytes in base64url, padded or not, read into their canonical spelling; `most` is how many bytes there may be. */
export function bytes(most: number) {
  return z
    .string()
    .refine((text) => text.length <= Math.ceil(most / 3) * 4, {
      error: `must be at most ${most} bytes`,
      abort: true,
    })
    .transform((text, context) => {
      const canonical = canonicalBase64url(text);
      const fits = canonical !== null && canonical.length <= Math.ceil((most * 4) / 3);
      if (fits && canonical !== '') return canonical;
      context.addIssue({ code: 'custom', message: 'must be bytes in base64url' });
      return z.NEVER;
    });
}
