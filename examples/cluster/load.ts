import { setTimeout as sleep } from 'node:timers/promises';
import type { Account, Books } from './books.js';
import type { Answer, Ask } from './client.js';
import type { Machine, Person } from './people.js';

const auth = '/sys/v1/session/auth';

/** A session that is kept to the end of a run. */
export interface Kept {
  headers: Record<string, string>;
  account: Account;
}

/** Whether an answer says that something is down, or did not come: then nobody knows what was done. */
const isDown = ({ status }: Answer) => status === 0 || status === 502 || status === 503;

/** Whether an answer says for certain that nothing was done. */
const isRefusal = ({ status }: Answer) => status >= 400 && status < 500;

/** One after the other, what a client does until it is told to stop. Some of its sessions it keeps. */
export class Visitor {
  readonly kept: Kept[] = [];

  constructor(
    private readonly ask: Ask,
    private readonly books: Books,
    private readonly isOver: () => boolean,
    /** Milliseconds between two requests, on average. */
    private readonly pause: number,
  ) {}

  /** Signs somebody in with a password and a key, uses the session, and mostly ends it. */
  async person(person: Person): Promise<void> {
    const { email, password, key } = person;
    const { status, body, sentAt } = await this.ask(
      'POST',
      auth,
      {},
      { method: 'password', email, password },
    );
    if (status !== 200) return this.rest(status, 'a sign-in');
    const session = this.given(body, sentAt);
    if (Math.random() < 0.3) await this.look(session);

    const assertion = await key.get(body.fido2_assertion_options as Parameters<typeof key.get>[0]);
    if (!(await this.complete(session, assertion))) return;
    await this.use(session);
    await this.leave(session);
  }

  /** Signs a machine in, uses the session, and mostly ends it. */
  async machine({ id, secret }: Machine): Promise<void> {
    const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    const { status, body, sentAt } = await this.ask('POST', auth, { Authorization: basic });
    if (status !== 200) return this.rest(status, 'a sign-in');
    const session = this.given(body, sentAt);
    this.books.prove(session.account, sentAt);
    await this.use(session);
    // Only machines have their sessions replaced.
    await this.leave((Math.random() < 0.2 ? await this.renew(session) : null) ?? session);
  }

  /** Signs somebody in who has the password, and not the key: whatever is answered, the session must open nothing. */
  async stranger({ email, password, key }: Person, other: Person): Promise<void> {
    const { status, body, sentAt } = await this.ask(
      'POST',
      auth,
      {},
      { method: 'password', email, password },
    );
    if (status !== 200) return void (await sleep(200));
    const session = this.given(body, sentAt);
    const [credential] = key.credentials;
    const options = body.fido2_assertion_options as Parameters<typeof key.get>[0];
    const forged = await other.key.get({ ...options, allowCredentials: [] });
    await this.ask('POST', `${auth}/2fa/fido2`, session.headers, {
      ...forged,
      id: credential?.id,
      rawId: credential?.id,
    });
    for (let n = 0; n < 3; n += 1) await this.look(session);
    await sleep(200);
  }

  /** Posts an assertion twice at once, and again while something is down: it is good once. */
  private async complete({ headers, account }: Kept, assertion: unknown): Promise<boolean> {
    let [good, failed] = [0, false];
    for (let round = 0; round < 6 && good === 0 && !this.isOver(); round += 1) {
      const before = account.proven;
      account.proven = 'maybe';
      const post = () => this.ask('POST', `${auth}/2fa/fido2`, headers, assertion);
      const answers = await Promise.all([post(), post()]);
      good += answers.filter(({ status }) => status === 204).length;
      if (good > 0) this.books.prove(account, answers[0].sentAt);
      else if (answers.every(isRefusal)) account.proven = before;
      const isUncertain = answers.some(isDown);
      if (good === 0 && !isUncertain) {
        this.books.refusedGood(account, failed);
        // It may have been done all the same: then this session may live.
        await this.look({ headers, account });
        break;
      }
      failed ||= isUncertain;
      if (good === 0) await sleep(300);
    }
    this.books.once(good);
    return good > 0;
  }

  private async use(session: Kept): Promise<void> {
    for (let n = 0; n < 6 && !this.isOver(); n += 1) {
      await sleep(2 * Math.random() * this.pause);
      if (!(await this.look(session))) return;
    }
  }

  private async leave(session: Kept): Promise<void> {
    if (Math.random() < 0.8) await this.end(session);
    else this.kept.push(session);
  }

  /** A request with a session: whether it seems to live. */
  async look({ headers, account }: Kept): Promise<boolean> {
    const { status, sentAt } = await this.ask('GET', '/me', headers);
    return this.books.requested(account, sentAt, status === 0 ? 502 : status);
  }

  /** Has a session replaced, by two requests at once: one of them gets the new one. */
  private async renew({ headers, account }: Kept): Promise<Kept | null> {
    account.ending = true;
    const post = () => this.ask('POST', '/sys/v1/session/reauth', headers);
    const answers = await Promise.all([post(), post()]);
    const good = answers.filter(({ status }) => status === 200);
    this.books.once(good.length);
    const [given] = good;
    if (given === undefined) {
      if (!answers.some(isDown)) this.books.refusedGood(account, false);
      return null;
    }
    this.books.end(account);
    const session = this.given(given.body, given.sentAt);
    this.books.prove(session.account, given.sentAt);
    return session;
  }

  /** Ends a session; from the answer on no node takes it. */
  async end(session: Kept): Promise<void> {
    const { account } = session;
    const isFirst = account.proven === 'yes' && !account.ending;
    account.ending = true;
    const { status } = await this.ask('POST', '/sys/v1/session/terminate', session.headers);
    if (status === 204) this.books.end(account);
    else if (status === 401 && isFirst) this.books.refusedGood(account, false);
    for (let n = 0; n < 3; n += 1) await this.look(session);
  }

  private given({ access_token }: Answer['body'], sentAt: number): Kept {
    return { headers: { Authorization: `Bearer ${access_token}` }, account: this.books.open(sentAt) };
  }

  private async rest(status: number, what: string): Promise<void> {
    if (status !== 0 && status !== 502 && status !== 503)
      this.books.violate('answered in a way that nothing explains', null, `${what}: ${status}`);
    await sleep(100);
  }
}
