import { execFileSync } from 'node:child_process';
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate for attestations, and the key that it is for. */
export interface Attester {
  pem: string;
  der: Uint8Array;
  privateKey: KeyObject;
}

/** What a certificate is like. */
export interface AttesterOptions {
  /** Who has issued it. @default itself */
  by?: Attester;
  /** Whether it may issue others. @default false */
  ca?: boolean;
  name?: string;
  unit?: string;
  /** How many issuers may stand below it. @default any number */
  pathLength?: number;
  /** The hash that is signed. @default 'sha256' */
  hash?: string;
  /** Days for which it is valid. @default 3650 */
  days?: number;
  /** Bytes that it carries in an extension that nobody knows. */
  carries?: string;
  /** Another extension, as openssl writes it. */
  extension?: string;
}

/** Makes a certificate on P-256 as makers of authenticators have them (WebAuthn L3, section 8.2.1), by openssl. */
export function attester({
  by,
  ca = false,
  name = 'A key',
  unit = 'Authenticator Attestation',
  days = 3650,
  pathLength,
  hash = 'sha256',
  carries,
  extension: more,
}: AttesterOptions = {}): Attester {
  const folder = mkdtempSync(join(tmpdir(), 'attester-'));
  const at = (file: string) => join(folder, file);
  try {
    const hex = Buffer.from(carries ?? '').toString('hex');
    const extension = [
      ...(carries === undefined ? [] : [`1.2.3.4.5=DER:${hex}`]),
      ...(more === undefined ? [] : [more]),
    ];
    const usage = ca ? ['keyUsage=critical,keyCertSign'] : [];
    const length = pathLength === undefined ? '' : `,pathlen:${pathLength}`;
    const lines = [`basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}${length}`, ...usage, ...extension];
    const config = ['[req]', 'distinguished_name=dn', 'x509_extensions=own', '[dn]', '[own]', ...lines];
    writeFileSync(at('config'), config.join('\n'));
    if (by !== undefined) {
      writeFileSync(at('by.pem'), by.pem);
      writeFileSync(at('by.key'), by.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    }
    const issuer = by === undefined ? [] : ['-CA', at('by.pem'), '-CAkey', at('by.key')];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('key')];
    const subject = ['-subj', `/C=SE/O=Keys/OU=${unit}/CN=${name}`, '-days', String(days), `-${hash}`];
    const given = ['-config', at('config'), ...key, ...subject, ...issuer, '-out', at('certificate')];
    execFileSync('openssl', ['req', '-x509', ...given], { stdio: 'ignore' });
    const pem = readFileSync(at('certificate'), 'utf8');
    const privateKey = createPrivateKey(readFileSync(at('key')));
    return { pem, der: Uint8Array.from(new X509Certificate(pem).raw), privateKey };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
