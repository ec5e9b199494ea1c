import { generate } from 'selfsigned';

/** A new RSA key and a certificate that it has signed itself, both in PEM. */
export async function selfSigned(name: string): Promise<{ privateKey: string; certificate: string }> {
  const made = await generate([{ name: 'commonName', value: name }], { keySize: 2048, algorithm: 'sha256' });
  return { privateKey: made.private, certificate: made.cert };
}
