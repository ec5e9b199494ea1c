import { createPrivateKey, webcrypto } from 'node:crypto';
import type { ClientAuth } from 'openid-client';
import type { OauthClientAuthentication } from '../repositories/index.js';

type Library = typeof import('openid-client');

/** The parameters by which WebCrypto imports a key for each algorithm. */
const imports = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
} as const;

/** How a client proves itself at the token endpoint: by its secret, or by a signature (RFC 7523). */
export async function clientAuthenticationOf(
  { ClientSecretBasic, ClientSecretPost, None, PrivateKeyJwt }: Library,
  authentication: OauthClientAuthentication,
): Promise<ClientAuth> {
  switch (authentication.method) {
    case 'client_secret_basic':
      return ClientSecretBasic(authentication.secret);
    case 'client_secret_post':
      return ClientSecretPost(authentication.secret);
    case 'private_key_jwt': {
      const { key, algorithm = 'RS256', keyId } = authentication;
      const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
      const imported = await webcrypto.subtle.importKey('pkcs8', der, imports[algorithm], false, ['sign']);
      return PrivateKeyJwt(keyId === undefined ? { key: imported } : { key: imported, kid: keyId });
    }
    case 'none':
      return None();
  }
}
