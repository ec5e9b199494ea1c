import { connect, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { PeerError } from '../defence/outbound.js';
import type { LdapTls } from '../repositories/index.js';

/** Bytes that a directory may send in one connection. */
const most = 1_048_576;
/** Bytes of a piece: the library reads the messages of one in a recursion. */
const piece = 1024;

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
 * What a client of LDAP reads from and writes to, over a connection that stands. It hands on what comes in small pieces
 * and up to a size, and it is used once: a client that has lost it cannot quietly connect anew, unprotected and unbound.
 */
export class LdapChannel extends Duplex {
  /** What a client asks of a socket that it is handed over. */
  readonly connecting = false;
  readonly readyState = 'open';
  private received = 0;

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
    socket.on('error', () => {});
    return socket;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done();
  }

  private readonly receive = (chunk: Buffer): void => {
    this.received += chunk.length;
    try {
      if (this.received > most) throw new PeerError('nonsense');
      for (let at = 0; at < chunk.length; at += piece) this.push(chunk.subarray(at, at + piece));
    } catch {
      // Whatever a directory sends, it is the end of this connection and of nothing else.
      this.finish();
    }
  };

  private readonly finish = (): void => {
    this.socket.on('error', () => {});
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
  const tls = connectTls({
    ...{ socket, host, minVersion: 'TLSv1.2', rejectUnauthorized: true },
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
  });
  return established(tls, 'secureConnect', milliseconds);
}

function established(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  milliseconds: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (kind: 'unreachable' | 'timed_out') => {
      clearTimeout(timer);
      socket.on('error', () => {});
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
