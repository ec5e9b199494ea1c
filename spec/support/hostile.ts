import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const auth = '/sys/v1/session/auth';
const random = (bytes: number) => randomBytes(bytes).toString('base64url');

/** Somebody who means no good, at whichever node; each request comes from another address, as the node is told. */
export class Hostile {
  /** What was answered, by status. */
  readonly answered = new Map<number, number>();
  /** What was answered by 500, 501 or 504 and above, with what was asked. */
  readonly shameful: string[] = [];
  private n = 0;

  constructor(
    private readonly ports: readonly number[],
    /** Somebody who exists, whose password is guessed at. */
    private readonly email: string,
    /** A token whose session has ended. */
    private readonly ended: () => string | undefined,
  ) {}

  /** One attack after the other, in turn. */
  async attack(): Promise<void> {
    const attacks = this.attacks();
    const attack = attacks[this.n++ % attacks.length];
    await attack?.();
  }

  private attacks(): (() => Promise<void>)[] {
    const json = (body: unknown) => this.post(JSON.stringify(body));
    const token = (value: string) => this.send('GET', '/me', { Authorization: `Bearer ${value}` });
    const password = 'password';
    return [
      () => json({ method: password, email: `${random(9)}@example.com`, password: random(12) }),
      () => json({ method: password, email: this.email, password: random(12) }),
      () =>
        this.send('POST', auth, {
          Authorization: `Basic ${Buffer.from(`${random(16)}:x`).toString('base64')}`,
        }),
      () => this.send('GET', '/me', { Authorization: `Basic ${random(40)}` }),
      () => token(random(64)),
      () => token(this.ended() ?? random(64)),
      () => this.send('GET', '/me', { Cookie: `__Host-session=${random(64)}` }),
      () => this.send('POST', '/sys/v1/session/terminate', { Authorization: `Bearer ${random(64)}` }),
      () =>
        this.post(
          JSON.stringify({ method: password, email: 'x@example.com', password: 'x'.repeat(300_000) }),
        ),
      () => this.post('{"method":'),
      () => this.post('['.repeat(5000)),
      () => this.post(`{"method":"password","__proto__":{"x":1},"email":{"$ne":null},"password":[]}`),
      () => this.post(randomBytes(2000).toString('latin1')),
      () => json({ method: random(200) }),
      () => json({ method: 'saml-response', id: null, response: random(20_000) }),
      () => this.send('POST', `${auth}/2fa/fido2`, { Authorization: `Bearer ${random(64)}` }, '{"id":"x"}'),
      () => this.send('DELETE', '/sys/v1/session/auth'),
      () => this.send('GET', `/sys/v1/session/${random(300)}`),
      () =>
        this.send(
          'POST',
          `/sys/v1/session/auth/discover`,
          {},
          JSON.stringify({ email: `${random(6)}@x.example` }),
        ),
      () => this.raw('GET / HTTP/1.1\r\n\r\n'),
      () => this.raw(randomBytes(300).toString('latin1')),
      // Who says half of it, and goes.
      () =>
        this.raw(
          `POST ${auth} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"met`,
          300,
        ),
      () => this.raw(`POST ${auth} HTTP/1.1\r\nHost: x\r\nX-Slow: `, 1500),
      // Who asks, and does not wait for the answer.
      () =>
        this.raw(
          `POST ${auth} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${random(30)}\r\nContent-Length: 0\r\n\r\n`,
          1,
        ),
    ];
  }

  private post(body: string): Promise<void> {
    return this.send('POST', auth, { 'Content-Type': 'application/json' }, body);
  }

  private async send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<void> {
    const { port, address } = this.next();
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      ...{
        method,
        headers: { ...headers, 'X-Forwarded-For': address },
        ...(body === undefined ? {} : { body }),
      },
    }).catch(() => null);
    // A connection that is closed before a body was read to its end is an answer too.
    await answer?.arrayBuffer().catch(() => {});
    const status = answer?.status ?? 0;
    this.answered.set(status, (this.answered.get(status) ?? 0) + 1);
    if (status >= 500 && status !== 503)
      this.shameful.push(`${status} ${method} ${path} ${body?.slice(0, 80)}`);
  }

  /** Writes bytes to a connection, and leaves it after so many milliseconds, or when it has been closed. */
  private async raw(text: string, milliseconds = 200): Promise<void> {
    const socket = connect(this.next().port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    socket.write(text);
    await Promise.race([once(socket, 'close'), sleep(milliseconds)]);
    socket.destroy();
  }

  private next() {
    const { n } = this;
    const address = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
    return { port: this.ports[n % this.ports.length] as number, address };
  }
}
