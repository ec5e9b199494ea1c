/**
 * The network that failures are counted for: an IPv4 address as it is, and of an IPv6 address its /64, which is
 * what one subscriber is given.
 */
export function networkOf(given: string): string {
  const address = withoutPort(given);
  if (!address.includes(':')) return address;
  const dotted = /^[0:]*:ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const [head = '', tail] = address.toLowerCase().replace(/%.*$/, '').split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after].map((group) =>
    group.replace(/^0+(?=.)/, ''),
  );
  const [high, low] = groups.slice(6).map((group) => Number.parseInt(group, 16));
  const mapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff';
  if (mapped && high !== undefined && low !== undefined)
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** The network that one organisation is given: of an IPv4 address its /24, of an IPv6 address its /48. */
export function wideNetworkOf(given: string): string {
  const network = networkOf(given);
  if (network.includes(':')) return `${network.split(':').slice(0, 3).join(':')}::/48`;
  const [, wide = network] = /^(\d+\.\d+\.\d+)\.\d+$/.exec(network) ?? [];
  return `${wide}.0/24`;
}

/** Some proxies append the port of the client, which says nothing of who it is. */
function withoutPort(address: string): string {
  return /^(\d+(?:\.\d+){3}):\d+$/.exec(address)?.[1] ?? /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? address;
}
