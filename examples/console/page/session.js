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
  const fido2 = allowed_mfa_methods?.find((each) => each.Fido2 !== undefined)?.Fido2;
  return {
    state: stateAfter(fido2, allowed_mfa_methods),
    secondFactor: fido2 && { options: fido2.challenge, devices: fido2.mfa_devices },
    method,
    carrier: token_type,
    token: access_token,
    entityId: entity_id,
    ...whoIs(entity_id, people),
    ...lasting(Date.now() + expires_in * 1000),
  };
}

/** An active session owes nothing and says so; one that may only enrol a second factor says nothing of it. */
function stateAfter(fido2, allowed) {
  if (fido2 !== undefined) return 'pending';
  return allowed === undefined ? 'enrolling' : 'active';
}

/** The session when its first key is enrolled, which it owes now. */
export function enrolled(session, { name, fido2_assertion_options: options }) {
  return { ...session, state: 'pending', secondFactor: { options, devices: [{ name }] } };
}

/** The session as a route of the host tells of it. */
export function told(session, { name, session: authSession }) {
  const { state, method, entityId, principalType, accountId, expiresAt } = authSession;
  const facts = { state, method, entityId, principalType, accountId, name };
  return { ...session, ...facts, ...lasting(expiresAt, session.span) };
}

/** The session when its second factor is proved. */
export function proved({ secondFactor: _, ...session }) {
  return { ...session, state: 'active' };
}

/** Whether the session is one that may configure security keys. */
export function isActiveUser({ state, principalType }) {
  return state === 'active' && principalType === 'user';
}

/** The session after an answer that was a problem; one about a credential says nothing about the session. */
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

function lasting(endsAt, span = 0) {
  return { endsAt, span: Math.max(span, endsAt - Date.now()) };
}

function whoIs(entityId, { alice, bob, robot }) {
  if (entityId === robot.id) return { principalType: 'app', name: robot.name, accountId: robot.accountId };
  const user = [alice, bob].find(({ id }) => id === entityId);
  return { principalType: 'user', name: user?.email ?? entityId, accountId: null };
}
