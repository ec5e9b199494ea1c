import type { Socket } from 'node:net';
import type { Client, Entry } from 'ldapts';
import type { FailureReason } from '../defence/audit.js';
import { PeerError } from '../defence/outbound.js';
import type { LdapIdentityProvider } from '../repositories/index.js';
import { canonicalEmail } from '../wire/email.js';
import { type LdapAddress, LdapChannel, ldapAddress, openSocket, secured } from './ldap-channel.js';
import { subjectAttributeOf, subjectOf, textsOf } from './ldap-entry.js';
import { codeOf, isAnswer, isOverload, refusalOf } from './ldap-errors.js';

type Library = typeof import('ldapts');

/** Whom a directory knows by this password, or why nobody. */
export type LdapVerdict =
  | { subject: string; email: string; emailProven: true; attributes: Record<string, string> }
  | { reason: FailureReason };

const [noSuchObject, insufficientAccess, unwillingToPerform] = [32, 50, 53];

/** A name that nobody has, and whoever has it is nobody here. */
const nobody = 'nobody-of-passport-control';

/** Milliseconds for each step. */
const stepTime = 3000;

/** One connection to one of a provider's directories. Every operation is on the connection that was opened, or fails. */
export class LdapDirectory {
  /** The host and port that were asked last. */
  peer = 'unknown';
  private client: Client | null = null;
  private channel: LdapChannel | null = null;
  private socket: Socket | null = null;
  private isClosed = false;
  /** Whether the user is bound, and not the service account. */
  private isUser = false;

  constructor(
    private readonly library: Library,
    private readonly idp: LdapIdentityProvider,
    private readonly deadline: number,
  ) {}

  /** Opens a connection to the first directory that can be reached. */
  open(): Promise<void> {
    return this.first(async () => {});
  }

  /** Opens a connection on which the service account is bound. */
  openServed(): Promise<void> {
    const { serviceAccount } = this.idp;
    if (!serviceAccount?.dn || !serviceAccount.password) throw new PeerError('nonsense');
    return this.first((client) => client.bind(serviceAccount.dn, serviceAccount.password));
  }

  /** Binds as somebody; `null` where that is who it is, else why not. An empty password would bind nobody, and succeed. */
  async bindUser(name: string, password: string): Promise<{ reason: FailureReason } | null> {
    if (name === '' || password === '') return { reason: 'no_credential' };
    try {
      await this.connected().bind(name, password);
      this.isUser = true;
      return null;
    } catch (error) {
      const reason = refusalOf(error);
      if (reason !== null) return { reason };
      throw error;
    }
  }

  /** The one entry below the base of which all these hold; `null` for none, and for several. */
  async find(
    filters: readonly InstanceType<Library['EqualityFilter']>[],
    attribute?: string,
  ): Promise<Entry | null> {
    const filter = new this.library.AndFilter({ filters: [...filters] });
    const options = { scope: 'sub', sizeLimit: 2, ...this.reading(attribute) } as const;
    const found = this.connected().search(this.idp.base ?? '', { ...options, filter });
    const [entry, ...others] = await this.readable(found);
    return entry === undefined || others.length > 0 || entry.dn === '' ? null : entry;
  }

  /** The entry of this name, as far as whoever is bound may read it. */
  async read(dn: string): Promise<Entry | null> {
    const options = { scope: 'base', sizeLimit: 1, ...this.reading() } as const;
    const [entry] = await this.readable(this.connected().search(dn, options));
    return entry ?? null;
  }

  /**
   * Does what is done for somebody who was found and has another password, so that the directory is asked as often, and answers
   * that nobody was.
   */
  async actAsIfFound(): Promise<{ reason: FailureReason }> {
    const dn = `cn=${nobody},${this.idp.base ?? ''}`;
    await this.isInGroup(dn);
    await this.bindUser(dn, nobody);
    return { reason: 'unknown_principal' };
  }

  /**
   * Why the user who is bound may do nothing, where that is because the password must be changed first; `null` where it is not.
   * Whether the user may read the own entry is another thing, and has the same code: it is told by the directory's words.
   */
  async holdsBack(dn: string): Promise<{ reason: FailureReason } | null> {
    try {
      await this.connected().search(dn, { scope: 'base', attributes: ['1.1'], timeLimit: stepTime / 1000 });
      return null;
    } catch (error) {
      const code = codeOf(error) ?? 0;
      if (![noSuchObject, insufficientAccess, unwillingToPerform].includes(code)) throw error;
      const mustChange = code !== noSuchObject && /password/i.test((error as Error).message);
      return mustChange ? { reason: 'password_expired' } : null;
    }
  }

  /** What was found. A user whose password must be changed first is bound, and may read nothing. */
  private async readable(found: Promise<{ searchEntries: Entry[] }>): Promise<readonly Entry[]> {
    try {
      return (await found).searchEntries;
    } catch (error) {
      if (this.isUser && refusalOf(error) !== null) return [];
      throw error;
    }
  }

  /**
   * Who an entry is, if it has one immutable id and is in the group that is asked for. Where it was found by an address, that
   * must be one of the values of this attribute: a directory compares by rules of its own.
   */
  async judge(entry: Entry | null, email: string, addressAt: string | null): Promise<LdapVerdict> {
    if (entry === null) return { reason: 'refused_by_provider' };
    if (addressAt !== null && !textsOf(entry, addressAt).some((each) => canonicalEmail(each) === email))
      return { reason: 'unknown_principal' };
    const attribute = subjectAttributeOf(this.idp);
    const subject = subjectOf(entry, attribute);
    if (subject === null) return { reason: 'no_subject' };
    if (!(await this.isInGroup(entry.dn))) return { reason: 'not_in_group' };
    return { subject, email, emailProven: true, attributes: { dn: entry.dn } };
  }

  /** Whether the group that is asked for, if one is, names this entry as its member. */
  async isInGroup(dn: string): Promise<boolean> {
    const { requiredGroup: group } = this.idp;
    if (group === undefined) return true;
    const filter = new this.library.EqualityFilter({
      attribute: group.memberAttribute ?? 'member',
      value: dn,
    });
    const own = { scope: 'base' as const, sizeLimit: 1, timeLimit: stepTime / 1000 };
    try {
      // Of the group nothing is read but that it matches.
      const { searchEntries } = await this.connected().search(group.dn, {
        ...own,
        filter,
        attributes: ['1.1'],
      });
      return searchEntries.length === 1;
    } catch (error) {
      // A group that is not there has no members; neither has one that the user may not look into.
      const code = codeOf(error);
      if (code === noSuchObject || (code === insufficientAccess && this.isUser)) return false;
      throw error;
    }
  }

  /** Ends the connection, at whatever point it is. */
  close(): void {
    this.isClosed = true;
    this.drop();
  }

  private drop(): void {
    this.channel?.destroy();
    this.socket?.destroy();
  }

  private reading(...more: (string | undefined)[]) {
    const attribute = subjectAttributeOf(this.idp);
    return {
      attributes: [attribute, ...more.filter((each) => each !== undefined)],
      explicitBufferAttributes: [attribute],
      timeLimit: stepTime / 1000,
    };
  }

  private connected(): Client {
    if (this.client === null) throw new PeerError('unreachable');
    return this.client;
  }

  private async first(begin: (client: Client) => Promise<void>): Promise<void> {
    let failure: unknown = new PeerError('unreachable');
    for (const url of this.idp.urls) {
      try {
        await begin(await this.connect(url));
        return;
      } catch (error) {
        failure = error;
        this.drop();
        // One that has answered is believed; one that is busy or out of reach leaves it to the next.
        if ((isAnswer(error) && !isOverload(error)) || this.left() <= 0) break;
      }
    }
    throw failure;
  }

  private async connect(url: string): Promise<Client> {
    const address = ldapAddress(url);
    if (address === null) throw new PeerError('nonsense');
    this.peer = `${address.host}:${address.port}`;
    const plain = await openSocket(address, this.left());
    this.socket = plain;
    if (this.isClosed) throw new PeerError('timed_out');
    const { tls = {} } = this.idp;
    const { mode = 'required' } = tls;
    if (address.isSecure) return this.over(await secured(plain, address, tls, this.left()));
    const client = this.over(plain);
    if (mode === 'disabled') return client;
    try {
      await client.exop('1.3.6.1.4.1.1466.20037');
    } catch (error) {
      if (mode === 'opportunistic' && isAnswer(error)) return client;
      // Without protection nothing is said at all.
      throw isAnswer(error) ? new PeerError('unreachable') : error;
    }
    return this.upgraded(address);
  }

  /** Protects the connection. A new client reads from it, so that nothing that came before counts as protected. */
  private async upgraded(address: LdapAddress): Promise<Client> {
    const plain = this.channel?.release();
    if (plain === undefined) throw new PeerError('unreachable');
    return this.over(await secured(plain, address, this.idp.tls ?? {}, this.left()));
  }

  /** A client on this connection, and on no other: by itself it would open the next one, which nothing protects. */
  private over(socket: Socket): Client {
    const channel = new LdapChannel(socket);
    this.channel = channel;
    if (this.isClosed) channel.destroy();
    const unused = [channel];
    this.client = new this.library.Client({
      url: 'ldap://directory',
      timeout: Math.max(1, Math.min(stepTime, this.left())),
      createConnection: () => {
        const own = unused.pop();
        if (own === undefined || own.destroyed) throw new PeerError('unreachable');
        // It asks of a socket what a channel has, and of the types more than it asks.
        return own as unknown as Socket;
      },
    });
    return this.client;
  }

  private left(): number {
    return Math.min(stepTime, this.deadline - performance.now());
  }
}
