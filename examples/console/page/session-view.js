import { secondsLeft } from './session.js';

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
  const isUser = state === 'active' && principalType === 'user';
  byId('refresh').disabled = state !== 'active';
  byId('reauth').disabled = state !== 'active' || principalType !== 'app';
  byId('account-choice').disabled = !isUser;
  byId('select-account').disabled = !isUser;
  byId('applies').textContent = whatApplies(session);
  drawTimeLeft(session);
}

/** Draws the time that is left. */
export function drawTimeLeft(session) {
  if (session.endsAt === undefined) {
    byId('left').textContent = unknown;
    byId('left-bar').value = 0;
    return;
  }
  const seconds = secondsLeft(session);
  byId('left').textContent = clock(seconds);
  byId('left-bar').value = (seconds * 1000) / session.span;
}

function accountText(accountId, accounts) {
  if (accountId === undefined) return unknown;
  if (accountId === null) return 'none selected';
  const account = accounts.find(({ id }) => id === accountId);
  return account === undefined ? accountId : account.name;
}

function whatApplies({ state, principalType }) {
  if (state !== 'active')
    return 'Until the second factor is completed, signing out is all that applies here.';
  return principalType === 'user' ? 'Reauth is for apps.' : 'Selecting an account is for users.';
}

/** A time span as a clock shows it: `23:59:48`. */
function clock(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
