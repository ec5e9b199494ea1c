import { BoundedMap } from '../defence/bounded-map.js';
import { type Fetch, PeerError } from '../defence/outbound.js';

/** An endpoint that may be asked: https, or http on this machine where the record says so. */
export function checkedUrl(url: string, insecure: boolean): string {
  const { protocol, hostname } = new URL(url);
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  if (protocol === 'https:' || (insecure && protocol === 'http:' && isLocal)) return url;
  throw new PeerError('nonsense');
}

/** Metadata and keys that were read once go on while their address is down: who can sign has not changed by that. */
export function keysThatOutliveOutages(fetch: Fetch): Fetch {
  const last = new BoundedMap<{ body: string; headers: Headers }>(8);
  return async (url, init) => {
    const isRead = (init.method ?? 'GET') === 'GET' && !new Headers(init.headers).has('authorization');
    if (!isRead) return fetch(url, init);
    const recalled = () => {
      const { body, headers } = last.get(url) ?? {};
      return body === undefined ? null : new Response(body, { headers: headers ?? {} });
    };
    try {
      const response = await fetch(url, init);
      if (!response.ok) return recalled() ?? response;
      const body = await response.text();
      last.set(url, { body, headers: response.headers });
      return new Response(body, { headers: response.headers });
    } catch (error) {
      const known = recalled();
      if (known === null) throw error;
      return known;
    }
  };
}
