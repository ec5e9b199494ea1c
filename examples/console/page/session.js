/** No session: where everything starts and ends. */
export const noSession = { state: 'none' };

/** Problems that tell in which state the session is that a request came with. */
const stateOfProblem = {
  session_required: 'none',
  invalid_session: 'none',
  second_factor_required: 'pending',
  enrolment_required: 'enrolling',
};

/** The session that an answer of `session/auth` or `session/reauth` opens. A Bearer token lives here, in memory. */
export function opened(
  { token_type, access_token, expires_in, entity_id, allowed_mfa_methods },
  method,
  people,
) {
  return {
    state: allowed_mfa_methods.length > 0 ? 'pending' : 'active',
    method,
    carrier: token_type,
    token: access_token,
    entityId: entity_id,
    ...whoIs(entity_id, people),
    ...lasting(Date.now() + expires_in * 1000),
  };
}

/** The session as a route of the host tells of it. */
export function told(session, { name, session: authSession }) {
  const { state, method, entityId, principalType, accountId, expiresAt } = authSession;
  const facts = { state, method, entityId, principalType, accountId, name };
  return { ...session, ...facts, ...lasting(expiresAt, session.span) };
}

/** The session after an answer that was a problem. */
export function afterProblem(session, code) {
  const state = stateOfProblem[code];
  if (state === undefined) return session;
  return state === 'none' ? noSession : { ...session, state };
}

/** How a request shows the session: its token in a header, or its cookie, which the browser adds. */
export function shown({ carrier, token }) {
  if (carrier === 'Bearer') return { headers: { Authorization: `Bearer ${token}` } };
  return carrier === 'Cookie' ? { cookie: 'sends' } : {};
}

/** Seconds until the session ends; never less than 0. */
export function secondsLeft({ endsAt }) {
  return Math.max(0, Math.ceil((endsAt - Date.now()) / 1000));
}

function lasting(endsAt, span = 0) {
  return { endsAt, span: Math.max(span, endsAt - Date.now()) };
}

function whoIs(entityId, { alice, bob, robot }) {
  if (entityId === robot.id) return { principalType: 'app', name: robot.name, accountId: robot.accountId };
  const user = [alice, bob].find(({ id }) => id === entityId);
  return { principalType: 'user', name: user?.email ?? entityId, accountId: null };
}
