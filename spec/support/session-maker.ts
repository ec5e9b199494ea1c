import { randomBytes } from 'node:crypto';
import { auditLog } from '../../lib/defence/audit.js';
import { dependencyGuard } from '../../lib/defence/dependency.js';
import { guardOneTimeStore } from '../../lib/defence/guarded-stores.js';
import { guardSessionIndex } from '../../lib/sessions/entity-index.js';
import { sessionLeases } from '../../lib/sessions/lease.js';
import type { SessionState } from '../../lib/sessions/record.js';
import { sessionRows } from '../../lib/sessions/rows.js';
import type { NewSession, SessionSettings, StartedSession } from '../../lib/sessions/session-types.js';
import { Sessions } from '../../lib/sessions/sessions.js';
import { sessionTokens } from '../../lib/sessions/token.js';
import { bearer, type TestApp, testSecret } from './app.js';
import { acme, alice, robot } from './people.js';

const defaults = { idpId: null, secondFactor: false, carrier: 'Bearer' } as const;

/** A session of alice, as it stands after a sign-in with her password. */
export const alices: NewSession = {
  ...defaults,
  principalType: 'user',
  entityId: alice.id,
  method: 'password',
  accountId: null,
  state: 'active',
  credentialId: '1',
};

/** A session of the app robot, made with its first secret. */
export const robots: NewSession = {
  ...defaults,
  principalType: 'app',
  entityId: robot.id,
  method: 'basic',
  accountId: acme,
  state: 'active',
  credentialId: 'first',
};

/** The session layer of a control, to make sessions in any state that sign-ins lead to. */
export function sessionsOf(
  { shared, clock }: Pick<TestApp, 'shared' | 'clock'>,
  settings: Partial<SessionSettings> = {},
): Sessions {
  const audit = auditLog(undefined, clock);
  const dependency = dependencyGuard(1, audit);
  const index = guardSessionIndex(shared.stores.index, dependency);
  const oneTime = guardOneTimeStore(shared.stores.oneTime, dependency);
  const owner = () => randomBytes(12).toString('base64url');
  return new Sessions({
    settings: {
      idleTimeout: { user: 86_400, app: 600 },
      absoluteTimeout: { user: 604_800, app: 86_400 },
      pendingTimeout: 300,
      maxPerEntity: { user: 100, app: 1000 },
      ...settings,
    },
    tokens: sessionTokens([testSecret], 'session', randomBytes),
    rows: sessionRows(shared.store, oneTime, dependency, clock),
    leases: sessionLeases(oneTime, owner),
    ...{ index, clock, owner, audit },
  });
}

/** Makes a session. */
export function makeSession(app: TestApp, session: NewSession): Promise<StartedSession> {
  return sessionsOf(app).start(session);
}

/** The headers that present a session. */
export function presenting({ token, record }: StartedSession): Record<string, string> {
  return record.carrier === 'Bearer' ? bearer(token) : { Cookie: `__Host-session=${token}` };
}

/** Every condition that a request's session can be in, and how to get there; `null` for no session at all. */
export const conditions = {
  'no token': async () => ({}),
  garbage: async () => bearer('A'.repeat(86)),
  pending: (app, carrier) => inState(app, carrier, 'pending'),
  enrolling: (app, carrier) => inState(app, carrier, 'enrolling'),
  'active user': (app, carrier) => inState(app, carrier, 'active'),
  'active app': async (app, carrier) => presenting(await makeSession(app, { ...robots, carrier })),
  expired: async (app, carrier) => {
    const headers = await inState(app, carrier, 'active');
    app.clock.advance(86_400);
    return headers;
  },
  terminated: async (app, carrier) => {
    const session = await makeSession(app, { ...alices, carrier });
    await sessionsOf(app).end(session, 'terminated');
    return presenting(session);
  },
} as const satisfies Record<
  string,
  (app: TestApp, carrier: 'Bearer' | 'Cookie') => Promise<Record<string, string>>
>;

/** The name of a condition. */
export type Condition = keyof typeof conditions;

async function inState(app: TestApp, carrier: 'Bearer' | 'Cookie', state: SessionState) {
  return presenting(await makeSession(app, { ...alices, carrier, state }));
}
