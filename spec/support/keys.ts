import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and its certificate, in PEM. */
export interface KeyAndCertificate {
  privateKey: string;
  certificate: string;
}

/** Makes an RSA key and its certificate, by openssl: self-signed, unless somebody else issues it. */
export function keyAndCertificate(name: string, bits = 2048, issuer?: KeyAndCertificate): KeyAndCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'spec-keys-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', `/CN=${name}`, '-days', '3650'];
  const out = ['-keyout', key, '-out', certificate, ...(issuer === undefined ? [] : by(issuer, folder))];
  execFileSync('openssl', ['req', '-x509', '-newkey', `rsa:${bits}`, '-nodes', ...subject, ...out], {
    stdio: 'ignore',
  });
  const made = { privateKey: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  rmSync(folder, { recursive: true });
  return made;
}

function by({ privateKey, certificate }: KeyAndCertificate, folder: string): string[] {
  const [key, own] = [join(folder, 'issuer-key.pem'), join(folder, 'issuer.pem')];
  writeFileSync(key, privateKey);
  writeFileSync(own, certificate);
  return ['-CA', own, '-CAkey', key];
}
