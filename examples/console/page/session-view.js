import { drawCountdown } from './countdown.js';
import { isActiveUser } from './session.js';

const meanings = {
  none: 'No session. Every sign-in opens a new one.',
  pending: 'The first factor is proved; the second is owed.',
  enrolling: 'A second factor is demanded, and none is enrolled yet.',
  active: 'Good for every route that serves its principal.',
};

const unknown = 'not known';
const byId = (id) => document.getElementById(id);

/** Draws the session: the state that is lit, the facts, and which actions apply. */
export function drawSession(session, accounts) {
  const { state, principalType } = session;
  const isHeld = state !== 'none';
  byId('machine').dataset.state = state;
  byId('machine-title').textContent = `The session's state: ${state}`;
  byId('meaning').textContent = meanings[state];
  byId('sign-in').hidden = isHeld;
  byId('held').hidden = !isHeld;
  if (!isHeld) return;

  // After a reload, a Cookie session that is not active yet tells nothing about itself.
  byId('principal').textContent = session.name === undefined ? unknown : `${session.name} (${principalType})`;
  byId('entity').textContent = session.entityId ?? unknown;
  byId('method').textContent = session.method ?? unknown;
  byId('carrier').textContent = session.carrier;
  byId('account').textContent = accountText(session.accountId, accounts);
  // A session that is not active has a panel of its own with all that can be done.
  byId('session-left').hidden = state === 'pending';
  for (const part of ['select', 'session-actions', 'applies']) byId(part).hidden = state !== 'active';
  byId('refresh').disabled = state !== 'active';
  byId('reauth').disabled = state !== 'active' || principalType !== 'app';
  byId('account-choice').disabled = !isActiveUser(session);
  byId('select-account').disabled = !isActiveUser(session);
  byId('applies').textContent = whatApplies(session);
  drawTimeLeft(session);
}

/** Draws the time that is left. */
export function drawTimeLeft({ state, endsAt, span }) {
  const name = state === 'pending' ? 'pending-left' : 'left';
  if (endsAt !== undefined) return drawCountdown(name, endsAt, span);
  byId(name).textContent = unknown;
  byId(`${name}-bar`).value = 0;
}

function accountText(accountId, accounts) {
  if (accountId === undefined) return unknown;
  if (accountId === null) return 'none selected';
  const account = accounts.find(({ id }) => id === accountId);
  return account === undefined ? accountId : account.name;
}

function whatApplies({ principalType }) {
  return principalType === 'user' ? 'Reauth is for apps.' : 'Selecting an account is for users.';
}
