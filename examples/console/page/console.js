import { showResult } from './answer-view.js';
import { secondsUntil } from './countdown.js';
import { element } from './element.js';
import { enrolPanel } from './enrol.js';
import { showFieldErrors } from './fields.js';
import { keyPrompt } from './key-prompt.js';
import { stepLog } from './log.js';
import { secondFactorPanel } from './second-factor.js';
import { securityKeys } from './security-keys.js';
import { afterProblem, isActiveUser, noSession, opened, shown, told } from './session.js';
import { drawSession, drawTimeLeft } from './session-view.js';
import { signInForm } from './sign-in.js';
import { broughtBack, showOffers, showReturn } from './single-sign-on.js';
import { basic, send } from './wire.js';

const byId = (id) => document.getElementById(id);
const whoami = { method: 'GET', path: '/api/whoami' };
const robotsOnly = { method: 'GET', path: '/api/robots-only' };

const people = await (await fetch('people.json')).json();
const log = stepLog({
  list: byId('steps'),
  empty: byId('log-empty'),
  clear: byId('clear'),
  said: byId('said'),
});
const sessionResult = byId('session-result');
const routesResult = byId('routes-result');

let session = noSession;
let current = null;
let isReading = false;

const prompt = keyPrompt();
const work = { prompt, api, alone, stepWithSession };
const secondFactor = secondFactorPanel({ ...work, become, readEnd });
const enrolling = enrolPanel({ ...work, become, session: () => session });
const keys = securityKeys({ ...work, people, session: () => session });

/** A request of the session API, with a body where there is one to send. */
function api(operation, body) {
  const request = { method: 'POST', path: `/sys/v1/session/${operation}` };
  if (body === undefined) return request;
  return { ...request, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** Sends one request and shows the exchange; the answer, or a problem without a code when there is none. */
async function step(title, request, result, { isAside = false } = {}) {
  isReading = isAside;
  const exchange = await send(request);
  const { answer } = exchange;
  log.add(title, exchange, isAside);
  // What was read aside is shown where it belongs; only its failure is a result of its own.
  if (!isAside || answer === null || answer.status >= 400) showResult(result, title, answer);
  return answer ?? { status: 0, json: {} };
}

/** Sends a request with the session; whatever goes wrong may tell something about its state. */
async function stepWithSession(title, request, result, options) {
  const answer = await step(title, { ...request, ...withSession(request) }, result, options);
  if (answer.status >= 400) await become(afterProblem(session, answer.json?.code));
  return answer;
}

function withSession({ headers, cookie: use }) {
  const { headers: token, cookie } = shown(session);
  return { headers: { ...headers, ...token }, cookie: cookie && (use ?? cookie) };
}

/** Takes over what is now known of the session. When its state changes, the focus goes to the heading. */
async function become(next) {
  const previous = session;
  session = next;
  if (next.carrier === 'Cookie') sessionStorage.setItem('carrier', 'Cookie');
  else sessionStorage.removeItem('carrier');
  drawSession(session, people.accounts);
  secondFactor.draw(session);
  enrolling.draw(session);
  if (previous.state !== next.state) byId('session-heading').focus({ preventScroll: true });
  if (isActiveUser(previous) !== isActiveUser(next)) await keys.show(isActiveUser(next));
}

/**
 * One thing at a time: a second click while an answer is awaited does nothing. A click while the page only reads for
 * itself waits for that, and a prompt for a key, which can stay open for minutes, makes room.
 */
function alone(task) {
  return async (...given) => {
    if (prompt.isOpen()) prompt.stop();
    else if (current !== null && !isReading) return;
    await current;
    if (current !== null) return;
    current = task(...given);
    try {
      await current;
    } finally {
      current = null;
    }
  };
}

async function callHost(title, request, result, options) {
  const { status, json } = await stepWithSession(title, request, result, options);
  if (status === 200) await become(told(session, json));
}

/** Some answers have no body; the new end is read from a route that tells it. */
function readEnd() {
  routesResult.replaceChildren();
  return callHost('Read the new end', whoami, routesResult, { isAside: true });
}

const signIn = alone(async (method, { leadsTo, ...request }) => {
  const isDiscovery = method === 'discover';
  const title = isDiscovery ? 'Discover' : `Sign in by ${method}`;
  const isToSign = leadsTo !== undefined;
  const first = await step(isToSign ? 'Sign for AWS' : title, request, sessionResult, { isAside: isToSign });
  const isSigned = isToSign && first.status === 200;
  const { status, json } = isSigned ? await step(title, leadsTo(first.json), sessionResult) : first;
  if (status !== 200) {
    const renamed = json?.errors?.map((each) =>
      each.path === 'user_email' ? { ...each, path: 'email' } : each,
    );
    showFieldErrors(byId('sign-in'), renamed);
  } else if (isDiscovery) showOffers(json, { byPassword, byDirectory: form.byDirectory });
  else await become(opened(json, method, people));
});

/** Goes on with the password of whoever was looked for. */
function byPassword() {
  const { elements: fields } = byId('sign-in');
  const email = fields.namedItem('email').value;
  document.querySelector('#sign-in [name=method][value=password]').click();
  fields.namedItem('email').value = email;
  const known = [people.alice, people.bob].find((each) => each.email === email);
  fields.namedItem('password').value = known?.password ?? '';
  fields.namedItem('password').focus();
}

const signOut = async () => {
  const { status } = await stepWithSession('Sign out', api('terminate'), sessionResult);
  if (status === 204) await become(noSession);
};

const actions = {
  async refresh() {
    const { status } = await stepWithSession('Refresh', api('refresh'), sessionResult);
    if (status === 204) await readEnd();
  },
  async reauth() {
    const { status, json } = await stepWithSession('Reauth', api('reauth'), sessionResult);
    if (status === 200) await become(opened(json, session.method, people));
  },
  'sign-out': signOut,
  'leave-pending': signOut,
  'leave-enrolling': signOut,
  whoami: () => callHost('Call with the session', whoami, routesResult),
  robots: () => callHost('Call with the session', robotsOnly, routesResult),
  async 'robots-by-key'() {
    const { id, secret } = people.robot;
    const request = { ...robotsOnly, headers: { Authorization: basic(id, secret) } };
    await step('Call with the API key', request, routesResult);
  },
};

const selectAccount = alone(async () => {
  const accountId = byId('account-choice').value;
  const request = api('select_account', { acct_id: accountId });
  const { status } = await stepWithSession('Select account', request, sessionResult);
  if (status === 200) await become({ ...session, accountId });
});

const form = signInForm(byId('sign-in'), people, signIn);
for (const [id, action] of Object.entries(actions)) byId(id).addEventListener('click', alone(action));
byId('account-choice').append(
  ...people.accounts.map(({ id, name }) => element('option', { value: id }, name)),
);
byId('select').addEventListener('submit', (event) => {
  event.preventDefault();
  void selectAccount();
});

// When the time is up, the server is asked: it may know of a later end than this page.
const askWhenOver = alone(async () => {
  await callHost('The time is up', whoami, sessionResult);
  if (session.state !== 'none' && secondsUntil(session.endsAt) === 0) await become(noSession);
});
setInterval(() => {
  keys.tick();
  if (session.state === 'none') return;
  drawTimeLeft(session);
  if (session.endsAt !== undefined && secondsUntil(session.endsAt) === 0) void askWhenOver();
}, 1000);

drawSession(session, people.accounts);
const back = broughtBack();
if (back !== null) {
  showReturn(back, sessionResult);
  if (back.answer !== undefined) await become(opened(back.answer, back.method, people));
  if (session.state === 'active') await alone(readEnd)();
}
// A Cookie session survives a reload; the page knows only that there was one, and asks.
if (back === null && sessionStorage.getItem('carrier') === 'Cookie') {
  session = { ...noSession, carrier: 'Cookie' };
  await alone(() => callHost('Is the cookie still good?', whoami, routesResult))();
}
