import { ConfigError } from '../errors.js';
import { canonicalDomain } from '../wire/email.js';
import type { RelyingPartyOptions } from './public.js';

/**
 * Checks that the id is a domain and that each origin is one of it: https, or http on localhost.
 *
 * @throws ConfigError
 */
export function checkRelyingParty({ id, origins, appId }: RelyingPartyOptions): void {
  if (canonicalDomain(id) !== id) {
    throw new ConfigError(
      'relyingParty.id',
      'must be a domain in lower case, such as example.com, without scheme or port',
    );
  }
  if (appId !== undefined && !isAppId(appId, id)) {
    throw new ConfigError(
      'relyingParty.appId',
      'must be an https URL on relyingParty.id, on a domain above it or on one below it, as keys were registered for it',
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

/** Whether browsers would let a page of this domain ask for this AppID, and it is spelt as they hash it. */
function isAppId(appId: string, id: string): boolean {
  const url = URL.canParse(appId) ? new URL(appId) : null;
  if (url?.protocol !== 'https:' || (url.href !== appId && url.origin !== appId)) return false;
  const { hostname } = url;
  return hostname === id || hostname.endsWith(`.${id}`) || id.endsWith(`.${hostname}`);
}

function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost');
}
