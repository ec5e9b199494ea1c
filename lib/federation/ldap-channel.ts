import { connect, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { PeerError } from '../defence/outbound.js';
import type { LdapTls } from '../repositories/index.js';
import { type LdapMessage, lengthOfFirst, readMessage, requested, tags } from './ldap-message.js';

/** Bytes that a directory may send in one connection. */
const most = 1_048_576;
/** What may answer which request. */
const answers = new Map<number, readonly number[]>([
  [tags.bindRequest, [tags.bindResponse]],
  [tags.searchRequest, [tags.entry, tags.reference, tags.searchDone]],
  [tags.extendedRequest, [tags.extendedResponse]],
]);

/** Where a directory listens. */
export interface LdapAddress {
  host: string;
  port: number;
  /** Whether TLS comes first. */
  isSecure: boolean;
}

/** Reads an `ldap:` or `ldaps:` URL; `null` for anything else. */
export function ldapAddress(url: string): LdapAddress | null {
  if (!URL.canParse(url)) return null;
  const { protocol, hostname, port } = new URL(url);
  if ((protocol !== 'ldap:' && protocol !== 'ldaps:') || hostname === '') return null;
  const isSecure = protocol === 'ldaps:';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: port === '' ? (isSecure ? 636 : 389) : Number(port), isSecure };
}

/**
 * What a client of LDAP reads from and writes to, over a connection that stands. It hands on whole messages that are what they
 * should be and answer what was asked last, and ends with everything else. It is used once: a client that has lost it
 * cannot quietly connect anew, unprotected and unbound.
 */
export class LdapChannel extends Duplex {
  /** What a client asks of a socket that it is handed over. */
  readonly connecting = false;
  readonly readyState = 'open';
  private received = 0;
  private pending = Buffer.alloc(0);
  private asked: { id: number; operation: number } | null = null;

  constructor(private readonly socket: Socket) {
    super();
    socket.on('data', this.receive);
    socket.once('end', this.finish);
    socket.once('close', this.finish);
    socket.once('error', this.finish);
  }

  /** Stops to read, and gives the connection back for what is to be spoken on it next. What was not read is lost. */
  release(): Socket {
    const { socket } = this;
    socket.pause();
    socket
      .off('data', this.receive)
      .off('end', this.finish)
      .off('close', this.finish)
      .off('error', this.finish);
    return socket;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.asked = requested(chunk);
    this.socket.write(chunk, done);
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done();
  }

  private readonly receive = (chunk: Buffer): void => {
    this.received += chunk.length;
    this.pending = Buffer.concat([this.pending, chunk]);
    while (!this.destroyed) {
      const length = lengthOfFirst(this.pending);
      const isBad = this.received > most || length === 0 || (length ?? 0) > most;
      if (!isBad && (length === null || length > this.pending.length)) break;
      const message = isBad ? null : readMessage(this.pending.subarray(0, length ?? 0));
      if (message === null || !this.isAwaited(message)) this.finish();
      // Nobody is sent elsewhere, so where to is not even read.
      else if (message.operation !== tags.reference) this.push(message.bytes);
      this.pending = this.pending.subarray(length ?? 0);
    }
  };

  private isAwaited({ id, operation }: LdapMessage): boolean {
    const { asked } = this;
    return asked?.id === id && (answers.get(asked.operation) ?? []).includes(operation);
  }

  private readonly finish = (): void => {
    this.destroy();
  };
}

/** Opens a connection. @throws PeerError `unreachable` or `timed_out` */
export function openSocket({ host, port }: LdapAddress, milliseconds: number): Promise<Socket> {
  return established(connect({ host, port }), 'connect', milliseconds);
}

/**
 * Protects a connection by TLS 1.2 or later; the certificate must be good for this host.
 *
 * @throws PeerError `unreachable` or `timed_out`
 */
export function secured(
  socket: Socket,
  { host }: LdapAddress,
  { ca, certificate, privateKey }: LdapTls,
  milliseconds: number,
): Promise<Socket> {
  const options = {
    ...{ socket, host, rejectUnauthorized: true },
    minVersion: 'TLSv1.2',
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca ? { ca: [...ca] } : {}),
    ...(certificate ? { cert: certificate } : {}),
    ...(privateKey ? { key: privateKey } : {}),
  } satisfies ConnectionOptions;
  let tls: Socket;
  try {
    tls = connectTls(options);
  } catch {
    // What stands in the record is no certificate, or no key.
    socket.destroy();
    return Promise.reject(new PeerError('nonsense'));
  }
  return established(tls, 'secureConnect', milliseconds);
}

function established(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  milliseconds: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Whatever becomes of it later, an error of a connection is the end of that connection alone.
    socket.on('error', () => {});
    const fail = (kind: 'unreachable' | 'timed_out') => {
      clearTimeout(timer);
      socket.destroy();
      reject(new PeerError(kind));
    };
    const timer = setTimeout(() => fail('timed_out'), Math.max(0, milliseconds));
    const refused = () => fail('unreachable');
    socket.once('error', refused).once('close', refused);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', refused).off('close', refused);
      resolve(socket);
    });
  });
}
