import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyAndCertificate } from './keys.js';

const ids = [
  'protocol:Response',
  'protocol:AuthnRequest',
  'assertion:Assertion',
  'metadata:EntityDescriptor',
];
const idAttributes = ids.flatMap((name) => ['--id-attr:ID', `urn:oasis:names:tc:SAML:2.0:${name}`]);

/** Runs Debian's xmlsec1 on files with these contents, whose names stand for `@0`, `@1` and so on in its arguments. */
async function xmlsec(args: readonly string[], contents: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'xmlsec-'));
  try {
    const names = contents.map((_, at) => join(folder, `${at}`));
    await Promise.all(contents.map((text, at) => writeFile(names[at] ?? '', text)));
    const given = args.map((each) => each.replace(/@(\d)/g, (_, at) => names[Number(at)] ?? ''));
    return await new Promise((resolve, reject) => {
      execFile('xmlsec1', given, (error, stdout, stderr) => {
        const isMissing = error !== null && error.code === 'ENOENT';
        if (isMissing)
          reject(new Error("These specs sign and encrypt by xmlsec1: install Debian's xmlsec1."));
        else if (error !== null) reject(new Error(`xmlsec1 ${given.join(' ')}: ${stderr}`));
        else resolve(stdout);
      });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Fills in the template of the signature that refers to this id. */
export function sign(
  xml: string,
  id: string,
  { privateKey, certificate }: KeyAndCertificate,
): Promise<string> {
  const template = `//*[local-name()='Signature' and .//@URI='#${id}']`;
  return xmlsec(
    ['--sign', '--privkey-pem', '@1,@2', ...idAttributes, '--node-xpath', template, '@0'],
    [xml, privateKey, certificate],
  );
}

/** Whether the first signature is by the key of this certificate, whatever it says of its key itself. */
export async function isSignedBy(xml: string, certificate: string): Promise<boolean> {
  const key = ['--enabled-key-data', 'rsa', '--pubkey-cert-pem', '@1'];
  const verified = xmlsec(['--verify', ...key, ...idAttributes, '@0'], [xml, certificate]);
  return verified.then(
    () => true,
    (error) => {
      if (error instanceof Error && error.message.includes('\nFAIL\n')) return false;
      throw error;
    },
  );
}

/** Puts what is encrypted by a template in the place of a response's assertion, with a new key of this kind, such as `aes-256`. */
export function encryptAssertion(
  xml: string,
  { template, key, certificate }: { template: string; key: string; certificate: string },
): Promise<string> {
  const node = ['--node-name', 'urn:oasis:names:tc:SAML:2.0:assertion:Assertion'];
  return xmlsec(
    ['--encrypt', '--pubkey-cert-pem', '@2', '--session-key', key, '--xml-data', '@0', ...node, '@1'],
    [xml, template, certificate],
  );
}
