import { randomBytes } from 'node:crypto';
import { hashSecret } from '../../lib/index.js';
import type { SoftwareAuthenticator } from '../../lib/testing/index.js';
import type { Node, Target } from './attack.js';
import { acme, alice } from './people.js';
import { repetitions } from './repeated.js';
import { type Holder, type PendingSession, rpId } from './second-factor.js';
import { alices, presenting, sessionsOf } from './session-maker.js';

interface Where {
  nodes: readonly [Pick<Node, 'repositories'>, ...unknown[]];
  expectSessionsOf?: Target['expectSessionsOf'];
}
type Stores = Pick<Target, 'shared' | 'clock'>;
type Carrier = 'Bearer' | 'Cookie';

const idOf = (n: number) => `c0ffee00-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** Adds users who are like alice and have her password, one for each round. */
export function crowd({ nodes: [node], expectSessionsOf }: Where, size = repetitions): Holder[] {
  const { table } = node.repositories.users;
  const model = table.get(alice.id);
  if (model === undefined) throw new Error('alice is gone');
  return Array.from({ length: size }, (_, n) => {
    const user = { id: idOf(n), email: `user-${n}@example.com`, password: alice.password };
    table.set(user.id, { ...model, id: user.id, email: user.email });
    expectSessionsOf?.(user.id);
    return user;
  });
}

/** Adds apps of acme, one for each round. */
export function fleet({ nodes: [node], expectSessionsOf }: Where, size = repetitions) {
  return Array.from({ length: size }, (_, n) => {
    const app = { id: idOf(1000 + n), secret: randomBytes(24).toString('base64url') };
    const secrets = [{ id: 'only', hash: hashSecret(app.secret) }];
    const row = { accountId: acme, name: `app ${n}`, enabled: true, secrets };
    node.repositories.apps.table.set(app.id, { id: app.id, ...row });
    expectSessionsOf?.(app.id);
    return app;
  });
}

/** An active session of a user, as a sign-in by password leaves it. */
export async function activeOf(stores: Stores, { id }: { id: string }, carrier: Carrier = 'Bearer') {
  const session = await sessionsOf(stores).start({ ...alices, entityId: id, carrier });
  return { key: session.key, headers: presenting(session) };
}

/** A pending session of a user with a challenge out, as a sign-in by password leaves it. */
export async function owingOf(
  stores: Stores,
  { id }: { id: string },
  keys: readonly SoftwareAuthenticator[] = [],
  carrier: Carrier = 'Bearer',
): Promise<PendingSession & { key: string }> {
  const challenge = randomBytes(32).toString('base64url');
  const credentialIds = keys.flatMap(({ credentials }) => credentials.map((each) => each.id));
  const session = await sessionsOf(stores).start({
    ...{ ...alices, entityId: id, carrier, state: 'pending' },
    challenge: {
      ...{ value: challenge, purpose: 'sign-in', credentialIds, userVerification: 'preferred' },
      expiresAt: stores.clock() + 300_000,
    },
  });
  const allowCredentials = credentialIds.map((each) => ({ id: each }));
  const options = { challenge, rpId, allowCredentials, userVerification: 'preferred' };
  return { key: session.key, headers: presenting(session), options };
}

/** Gives a user recovery codes, in a session whose configuration is unlocked and which is ended then. */
export async function codesOf(
  { nodes: [node], shared, clock, secret }: Pick<Target, 'nodes' | 'secret'> & Stores,
  user: { id: string },
): Promise<string[]> {
  const { key, headers } = await activeOf({ shared, clock }, user);
  await sessionsOf({ shared, clock }).change(key, () => ({ unlockedUntil: clock() + 60_000 }));
  const made = await node.call('/sys/v1/users/generate_recovery_codes', undefined, headers);
  await node.call('/sys/v1/session/terminate', undefined, headers);
  const codes: string[] = JSON.parse(made.body).recovery_codes;
  for (const code of codes) secret(code);
  return codes;
}

/** The rows of one user or app, in any state. */
export function rowsOf({ shared }: Pick<Target, 'shared'>, { id }: { id: string }) {
  const rows = [...shared.rows.values()] as { entityId: string; state: string; accountId: string | null }[];
  return rows.filter(({ entityId }) => entityId === id);
}

/** The nodes, in either order. */
export function eitherOrder([one, other]: readonly [Node, Node]): readonly [Node, Node] {
  return Math.random() < 0.5 ? [one, other] : [other, one];
}
