import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Attribute, Change, Client } from 'ldapts';
import type { KeyAndCertificate } from './keys.js';
import { isOpen, relay } from './slapd.js';

const run = promisify(execFile);
const administrator = { name: 'Administrator@corp.example.com', password: 'Administrator of the specs 1' };
/** Those of LDAP and of the global catalog, in the clear and by TLS, which cannot be chosen. */
const ports = [389, 636, 3268, 3269];

export const base = 'dc=corp,dc=example,dc=com';
export const dnOf = (name: string) => `cn=${name},ou=people,${base}`;

/** What else an entry of the directory has, by attribute. */
export type Attributes = Readonly<Record<string, string | Buffer | readonly string[]>>;

/** A domain of Active Directory that runs, on relays at free ports of this machine. */
export interface Samba {
  ldap: string;
  ldaps: string;
  /** All bytes that clients have sent to it. */
  sent(): Buffer;
  /** The `objectGUID` of an account, as the tool of the directory writes it. */
  guid(name: string): Promise<string>;
  /** Deletes an entry. */
  remove(name: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Provisions a domain and starts Debian's Samba for it. Accounts and groups have the names `{name}`, and accounts the addresses
 * `{name}@example.com`; three wrong passwords lock one.
 */
export async function samba({
  keys,
  password,
  people,
  groups,
}: {
  keys: KeyAndCertificate;
  password: string;
  people: Readonly<Record<string, Attributes>>;
  groups: Readonly<Record<string, readonly string[]>>;
}): Promise<Samba> {
  await Promise.all(['/usr/sbin/samba', '/usr/bin/samba-tool', '/usr/share/samba/setup'].map(present));
  // An address of its own, since its ports are not.
  const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  for (const port of ports) await canListen(port, address);
  const folder = await mkdtemp(join(tmpdir(), 'samba-'));
  const file = (name: string) => join(folder, name);
  await writeFile(file('key.pem'), keys.privateKey, { mode: 0o600 });
  await writeFile(file('cert.pem'), keys.certificate);
  await writeFile(file('smb.conf'), settings(folder, address));
  const settled = ['--configfile', file('smb.conf')];
  await run('samba-tool', [
    ...['domain', 'provision', ...settled, '--realm', 'CORP.EXAMPLE.COM', '--domain', 'CORP'],
    ...['--host-name', 'dc', '--host-ip', '127.0.0.1', '--dns-backend', 'NONE'],
    ...['--adminpass', administrator.password],
  ]);

  // It ends when its input does, and so with whoever has started it.
  const child = spawn('/usr/sbin/samba', ['--interactive', '--model=single', ...settled], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  for (let wait = 0; !(await isOpen(636, address)); wait += 1) {
    if (wait > 1200 || child.exitCode !== null) throw new Error('samba does not start');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const plain = await relay(`ldap://${address}:389`, 'ldap');
  const secure = await relay(`ldaps://${address}:636`, 'ldaps');

  const asAdministrator = async (work: (client: Client) => Promise<void>): Promise<void> => {
    const client = new Client({ url: secure.url, timeout: 5000, tlsOptions: { ca: [keys.certificate] } });
    try {
      await client.bind(administrator.name, administrator.password);
      await work(client);
    } finally {
      await client.unbind();
    }
  };
  await asAdministrator(async (client) => {
    const modification = new Attribute({ type: 'lockoutThreshold', values: ['3'] });
    await client.modify(base, new Change({ operation: 'replace', modification }));
    await client.add(`ou=people,${base}`, attributes({ objectClass: 'organizationalUnit' }));
    for (const [name, more] of Object.entries(people))
      await client.add(dnOf(name), attributes({ ...person(name, password), ...more }));
    for (const [name, member] of Object.entries(groups))
      await client.add(
        dnOf(name),
        attributes({ objectClass: 'group', sAMAccountName: name, member: member.map(dnOf) }),
      );
  });
  return {
    ...{ ldap: plain.url, ldaps: secure.url },
    sent: () => Buffer.concat([plain.sent(), secure.sent()]),
    async guid(name) {
      const shown = await run('samba-tool', ['user', 'show', ...settled, name, '--attributes', 'objectGUID']);
      return /^objectGUID: (.*)$/m.exec(shown.stdout)?.[1] ?? shown.stdout;
    },
    remove: (name) => asAdministrator((client) => client.del(dnOf(name))),
    async stop() {
      plain.stop();
      secure.stop();
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function present(path: string): Promise<void> {
  await access(path).catch(() => {
    throw new Error(
      "These specs sign in at Active Directory: install Debian's samba-ad-dc and samba-ad-provision.",
    );
  });
}

/** Looks whether a port of an address can be listened on. */
function canListen(port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      const why = code === 'EACCES' ? 'is for root only' : `cannot be had: ${code}`;
      reject(new Error(`Samba listens on ports that cannot be chosen, and ${port} of ${address} ${why}.`));
    });
    server.listen(port, address, () => server.close(() => resolve()));
  });
}

/** A domain controller that keeps all its files in this folder, and serves LDAP and nothing else. */
function settings(folder: string, address: string): string {
  return [
    '[global]',
    ...['netbios name = DC', 'workgroup = CORP', 'realm = CORP.EXAMPLE.COM'],
    ...['server role = active directory domain controller', 'server services = ldap'],
    ...[`interfaces = ${address}/8`, 'bind interfaces only = yes'],
    ...['lock', 'state', 'cache', 'pid', 'binddns', 'ncalrpc'].map((each) => `${each} directory = ${folder}`),
    ...[`private directory = ${folder}/private`, `log file = ${folder}/log`],
    ...[`tls keyfile = ${folder}/key.pem`, `tls certfile = ${folder}/cert.pem`],
    `tls cafile = ${folder}/cert.pem`,
    ...['[sysvol]', `path = ${folder}/sysvol`, 'read only = no'],
    ...['[netlogon]', `path = ${folder}/sysvol/corp.example.com/scripts`, 'read only = no'],
    '',
  ].join('\n');
}

/** An account that can sign in. */
function person(name: string, password: string): Attributes {
  return {
    ...{ objectClass: 'user', sAMAccountName: name, userAccountControl: '512' },
    ...{ userPrincipalName: `${name}@example.com`, mail: `${name}@example.com` },
    unicodePwd: Buffer.from(`"${password}"`, 'utf16le'),
  };
}

function attributes(values: Attributes): Attribute[] {
  return Object.entries(values).map(
    ([type, value]) => new Attribute({ type, values: [value].flat() as string[] }),
  );
}
