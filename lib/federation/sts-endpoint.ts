/** Where a region's Security Token Service is, and in which partition. */
export interface StsEndpoint {
  partition: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc';
  url: string;
}

/** The regions of each partition. What is not in this table is no region, however much it looks like one. */
const regions: Readonly<Record<StsEndpoint['partition'], readonly string[]>> = {
  aws: named(`
    us-east-1 us-east-2 us-west-1 us-west-2
    af-south-1 ca-central-1 ca-west-1 il-central-1 me-central-1 me-south-1 me-west-1 mx-central-1 sa-east-1 sa-west-1
    ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
    ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
    eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
  `),
  'aws-cn': ['cn-north-1', 'cn-northwest-1'],
  'aws-us-gov': ['us-gov-east-1', 'us-gov-west-1'],
  'aws-eusc': ['eusc-de-east-1'],
};
const suffixes = {
  aws: 'amazonaws.com',
  'aws-cn': 'amazonaws.com.cn',
  'aws-us-gov': 'amazonaws.com',
  'aws-eusc': 'amazonaws.eu',
} as const;
const partitions = ['aws', 'aws-cn', 'aws-us-gov', 'aws-eusc'] as const;

/** The endpoint of a region; `null` for what is none. */
export function stsEndpoint(region: string): StsEndpoint | null {
  const partition = partitions.find((each) => regions[each].includes(region));
  if (partition === undefined) return null;
  return { partition, url: `https://sts.${region}.${suffixes[partition]}/` };
}

/** All regions that there are. */
export function stsRegions(): string[] {
  return partitions.flatMap((each) => regions[each]);
}

/** Reads what a host has named as an endpoint. What is signed is good for whoever sees it, so it travels by TLS alone. */
export function ownEndpoint(given: unknown): string | null {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : null;
  if (url === null || url.username !== '' || url.password !== '') return null;
  // A signature is for one path, and clients sign for this one.
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return null;
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLocal) ? url.href : null;
}

function named(text: string): string[] {
  return text.trim().split(/\s+/);
}
