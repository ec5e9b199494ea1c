import { execFile, spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Attribute, Change, Client } from 'ldapts';
import { freePort } from './free-port.js';
import type { KeyAndCertificate } from './keys.js';

const run = promisify(execFile);

/** The service account of the directory of the specs. */
export const serviceAccount = { dn: 'cn=service,dc=example,dc=com', password: 'service of the specs' };
export const base = 'dc=example,dc=com';
export const staff = 'cn=staff,ou=groups,dc=example,dc=com';

/** A person of the directory; the id of the entry is its `entryUUID`. */
export interface DirectoryPerson {
  dn: string;
  uid: string;
  mail: string | readonly string[];
  password: string;
}

/** A slapd that runs. */
export interface Slapd {
  ldap: string;
  ldaps: string;
  /** How many binds it was asked for. */
  binds(): number;
  /** Deletes an entry, or takes it out of the group. */
  remove(dn: string): Promise<void>;
  leave(dn: string): Promise<void>;
  /** Has somebody change the password before anything else, or no longer. */
  mustChange(dn: string, must: boolean): Promise<void>;
  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** How a slapd is set up. */
export interface SlapdOptions {
  /** The DNs of the staff. */
  members?: readonly string[];
  keys?: KeyAndCertificate;
  /** The authority, in PEM, from which clients must have a certificate. @default they need none */
  clientCa?: string;
  /** What others than the service account may do, as slapd says it. @default they may read */
  others?: string;
}

/** Starts Debian's slapd on free ports of this machine, with these people. */
export async function slapd(
  people: readonly DirectoryPerson[],
  {
    members = [],
    keys,
    clientCa,
    others = 'by self read by users read by anonymous auth',
  }: SlapdOptions = {},
): Promise<Slapd> {
  await access('/usr/sbin/slapd').catch(() => {
    throw new Error("These specs sign in at OpenLDAP: install Debian's slapd.");
  });
  const folder = await mkdtemp(join(tmpdir(), 'slapd-'));
  await mkdir(join(folder, 'data'));
  const files: Record<string, string> = { 'data.ldif': ldif(people, members) };
  if (keys !== undefined) Object.assign(files, { 'key.pem': keys.privateKey, 'cert.pem': keys.certificate });
  if (clientCa !== undefined) files['ca.pem'] = clientCa;
  files['slapd.conf'] = [
    ...['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`),
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'moduleload ppolicy',
    `pidfile ${folder}/slapd.pid`,
    ...(keys === undefined
      ? []
      : [`TLSCertificateFile ${folder}/cert.pem`, `TLSCertificateKeyFile ${folder}/key.pem`]),
    ...(clientCa === undefined ? [] : [`TLSCACertificateFile ${folder}/ca.pem`, 'TLSVerifyClient demand']),
    'database mdb',
    `suffix "${base}"`,
    `rootdn "cn=root,${base}"`,
    'rootpw root',
    `directory ${folder}/data`,
    'maxsize 33554432',
    'overlay ppolicy',
    `ppolicy_default "cn=policy,${base}"`,
    'access to attrs=userPassword by anonymous auth by * none',
    `access to * by dn.exact="${serviceAccount.dn}" read ${others}`,
    '',
  ].join('\n');
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await run('/usr/sbin/slapadd', ['-f', join(folder, 'slapd.conf'), '-l', join(folder, 'data.ldif')]);

  const [plain, secure] = [await freePort(), await freePort()];
  const urls = [`ldap://localhost:${plain}`, ...(keys === undefined ? [] : [`ldaps://localhost:${secure}`])];
  const child = spawn(
    '/usr/sbin/slapd',
    ['-f', join(folder, 'slapd.conf'), '-h', urls.join(' '), '-d', 'stats'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  for (let wait = 0; !(await isOpen(plain)); wait += 1) {
    if (wait > 200 || child.exitCode !== null) throw new Error('slapd does not start');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    ldap: `ldap://localhost:${plain}`,
    ldaps: `ldaps://localhost:${secure}`,
    binds: () => log.match(/ op=\d+ BIND dn="[^"]*" method=/g)?.length ?? 0,
    remove: (dn) => asRoot(plain, (client) => client.del(dn)),
    leave: (dn) =>
      asRoot(plain, (client) => {
        const modification = new Attribute({ type: 'member', values: [dn] });
        return client.modify(staff, new Change({ operation: 'delete', modification }));
      }),
    mustChange: (dn, must) =>
      asRoot(plain, (client) => {
        const modification = new Attribute({ type: 'pwdReset', values: must ? ['TRUE'] : [] });
        return client.modify(dn, new Change({ operation: 'replace', modification }));
      }),
    signal: (name) => void child.kill(name),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function asRoot(port: number, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ url: `ldap://localhost:${port}`, timeout: 3000 });
  try {
    await client.bind(`cn=root,${base}`, 'root');
    await work(client);
  } finally {
    await client.unbind();
  }
}

/** What stands on the way to a server: it can read along, and hang up. */
export interface Relay {
  url: string;
  /** All bytes that clients have sent through it. */
  sent(): Buffer;
  /** How many connections came. */
  count(): number;
  stop(): void;
}

/** Listens on a free port and passes on to an address, or to nobody: then it never answers. */
export async function relay(
  to: string | null,
  scheme = 'ldap',
  /** Sees what a client sends before the server does; after `hold` the client is told nothing more. */
  onSent?: (socket: Socket) => unknown,
): Promise<Relay> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let isHeld = false;
    socket.on('error', () => {});
    const next = to === null ? null : connect(Number(new URL(to).port), new URL(to).hostname);
    next?.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      isHeld ||= onSent?.(socket) === 'hold';
      next?.write(chunk);
    });
    next?.on('data', (chunk) => isHeld || socket.write(chunk));
    socket.on('close', () => next?.destroy());
    next?.on('close', () => socket.destroy());
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  return {
    url: `${scheme}://localhost:${port}`,
    sent: () => Buffer.concat(chunks),
    count: () => sockets.size,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function ldif(people: readonly DirectoryPerson[], members: readonly string[]): string {
  const entries = [
    [
      'dn: dc=example,dc=com',
      'objectClass: dcObject',
      'objectClass: organization',
      'dc: example',
      'o: Example',
    ],
    [
      'dn: cn=policy,dc=example,dc=com',
      'objectClass: person',
      'objectClass: pwdPolicy',
      ...['cn: policy', 'sn: policy', 'pwdAttribute: userPassword', 'pwdMustChange: TRUE'],
    ],
    ['dn: ou=people,dc=example,dc=com', 'objectClass: organizationalUnit', 'ou: people'],
    ['dn: ou=groups,dc=example,dc=com', 'objectClass: organizationalUnit', 'ou: groups'],
    [
      ...[`dn: ${serviceAccount.dn}`, 'objectClass: applicationProcess', 'objectClass: simpleSecurityObject'],
      ...['cn: service', `userPassword: ${serviceAccount.password}`],
    ],
    ...people.map(({ dn, uid, mail, password }) => [
      `dn:: ${base64(dn)}`,
      ...['objectClass: inetOrgPerson', `sn: ${uid}`, `cn: ${uid}`, `uid:: ${base64(uid)}`],
      ...[mail].flat().map((each) => `mail:: ${base64(each)}`),
      `userPassword:: ${base64(password)}`,
    ]),
    [
      ...[`dn: ${staff}`, 'objectClass: groupOfNames', 'cn: staff', `member: ${serviceAccount.dn}`],
      ...members.map((dn) => `member:: ${base64(dn)}`),
    ],
  ];
  return entries.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Whether something listens on a port. */
export function isOpen(port: number, host = 'localhost'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
