import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and its certificate, in PEM. */
export interface KeyAndCertificate {
  privateKey: string;
  certificate: string;
}

/** Makes an RSA key and a self-signed certificate, by openssl. */
export function keyAndCertificate(name: string, bits = 2048): KeyAndCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'spec-keys-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', `/CN=${name}`, '-days', '3650'];
  const out = ['-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', '-x509', '-newkey', `rsa:${bits}`, '-nodes', ...subject, ...out], {
    stdio: 'ignore',
  });
  const made = { privateKey: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  rmSync(folder, { recursive: true });
  return made;
}
