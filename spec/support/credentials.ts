import { type App, hashPassword, type User } from '../../lib/index.js';
import { basic } from './app.js';
import type { Node, Target, WireAnswer } from './attack.js';
import { auth, codeOf } from './owing.js';
import { presentingAnswer } from './sign-in.js';

/** Signs a user in, or tries to. */
export type UserWay = (node: Node, email: string, password: string, more?: object) => Promise<WireAnswer>;

/** The ways of users who have a password. */
export const userWays: [string, UserWay][] = [
  [
    'by the method',
    (node, email, password, more = {}) => node.call(auth, { method: 'password', email, password, ...more }),
  ],
  ['by the Basic header', (node, email, password, more) => node.call(auth, more, basic(email, password))],
];

/** An app as it is known to whoever signs in as it. */
export type KnownApp = Pick<App, 'id' | 'accountId' | 'name'>;

/** Signs an app in, or tries to. */
export type AppWay = (node: Node, app: KnownApp, secret: string) => Promise<WireAnswer>;

/** What an app does with its secret. */
export const appBy = {
  name: (node, { accountId, name }, secret) =>
    node.call(auth, { method: 'auth-by-app-name', acct_id: accountId, name, password: secret }),
  header: (node, { id }, secret) => node.call(auth, undefined, basic(id, secret)),
  /** At a route of the host, which takes it with each request. */
  key: (node, { id }, secret) => node.send({ method: 'GET', path: '/key', headers: basic(id, secret) }),
} satisfies Record<string, AppWay>;

/** All of these, with a title. */
export const appWays: [string, AppWay][] = [
  ['by its name', appBy.name],
  ['by the Basic header', appBy.header],
  ['by its key at a route of the host', appBy.key],
];

/** An answer in short: its status, and the code of a problem. */
export function seen(answer: WireAnswer): string {
  return answer.status < 300 ? String(answer.status) : `${answer.status} ${codeOf(answer)}`;
}

/** The refusal of every credential that is wrong. */
export const wrong = '401 invalid_credentials';

/** All that an answer shows, but for when it was given. */
export function shown({ status, headers, body }: WireAnswer) {
  const { date: _, ...rest } = headers;
  return { status, headers: rest, body };
}

/** The headers that present the session of an answer. */
export function sessionIn({ body, headers }: WireAnswer): Record<string, string> {
  return presentingAnswer({ body: JSON.parse(body), headers });
}

type Nodes = Pick<Target, 'nodes'>;

/** Changes the row of a user; a column that is `undefined` is not there any more. */
export function changeUser({ nodes }: Nodes, { id }: Pick<User, 'id'>, change: object): void {
  changeRow(nodes[0].repositories.users.table, id, change);
}

/** Changes the row of an app. */
export function changeApp({ nodes }: Nodes, { id }: Pick<App, 'id'>, change: object): void {
  changeRow(nodes[0].repositories.apps.table, id, change);
}

/** Gives a user another password. */
export async function givePassword(
  target: Nodes & Pick<Target, 'secret'>,
  user: Pick<User, 'id'>,
  password: string,
): Promise<void> {
  target.secret(password);
  changeUser(target, user, { passwordHash: await hashPassword(password) });
}

function changeRow<T extends object>(table: Map<string, T>, id: string, change: object): void {
  const row = table.get(id);
  if (row === undefined) throw new Error('there is no such row');
  table.set(id, { ...row, ...change });
}

/** Why sign-ins have failed until now, on all nodes. */
export function reasonsIn({ nodes }: Nodes): string[] {
  return nodes.flatMap(({ events }) =>
    events.flatMap((each) => (each.type === 'sign_in_failed' ? [each.reason] : [])),
  );
}

/** How often users and apps have been looked up, on all nodes; not to be asked where `swiftly` gives the repositories. */
export function lookUps({ nodes }: Nodes): number {
  const all = nodes.flatMap(({ faults: { users, apps } }) => [
    ...users.calls.values(),
    ...apps.calls.values(),
  ]);
  return all.reduce((sum, each) => sum + each, 0);
}
