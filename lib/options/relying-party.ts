import { ConfigError } from '../errors.js';
import { canonicalDomain } from '../wire/email.js';
import type { RelyingPartyOptions } from './public.js';

/**
 * Checks that the id is a domain and that each origin is one of it: https, or http on localhost.
 *
 * @throws ConfigError
 */
export function checkRelyingParty({ id, origins }: RelyingPartyOptions): void {
  if (canonicalDomain(id) !== id) {
    throw new ConfigError(
      'relyingParty.id',
      'must be a domain in lower case, such as example.com, without scheme or port',
    );
  }
  for (const [index, origin] of origins.entries()) {
    const path = `relyingParty.origins.${index}`;
    const url = URL.canParse(origin) ? new URL(origin) : null;
    if (url === null || url.origin !== origin || url.hostname.includes('*')) {
      throw new ConfigError(path, 'must be an origin and nothing more, such as https://app.example.com');
    }
    const { protocol, hostname } = url;
    if (protocol !== 'https:' && !(protocol === 'http:' && isLocal(hostname))) {
      throw new ConfigError(path, 'must be https: only localhost may be http');
    }
    if (hostname !== id && !hostname.endsWith(`.${id}`)) {
      throw new ConfigError(
        path,
        'must be on relyingParty.id or on a subdomain of it: browsers refuse others',
      );
    }
  }
}

function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost');
}
