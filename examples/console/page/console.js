import { showResult } from './answer-view.js';
import { element } from './element.js';
import { stepLog } from './log.js';
import { afterProblem, noSession, opened, secondsLeft, shown, told } from './session.js';
import { drawSession, drawTimeLeft } from './session-view.js';
import { showFieldErrors, signInForm } from './sign-in.js';
import { basic, send } from './wire.js';

const byId = (id) => document.getElementById(id);
const api = (operation) => ({ method: 'POST', path: `/sys/v1/session/${operation}` });
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
let isBusy = false;

/** Sends one request and shows the exchange; the answer, or a problem without a code when there is none. */
async function step(title, request, result) {
  const exchange = await send(request);
  log.add(title, exchange);
  showResult(result, title, exchange.answer);
  return exchange.answer ?? { status: 0, json: {} };
}

/** Sends a request with the session; whatever goes wrong may tell something about its state. */
async function stepWithSession(title, request, result) {
  const answer = await step(title, { ...request, ...withSession(request) }, result);
  if (answer.status >= 400) become(afterProblem(session, answer.json?.code));
  return answer;
}

function withSession({ headers }) {
  const { headers: token, cookie } = shown(session);
  return { headers: { ...headers, ...token }, cookie };
}

/** Takes over what is now known of the session. Where the form comes or goes, the focus goes to the heading. */
function become(next) {
  const comesOrGoes = (session.state === 'none') !== (next.state === 'none');
  session = next;
  if (next.carrier === 'Cookie') sessionStorage.setItem('carrier', 'Cookie');
  else sessionStorage.removeItem('carrier');
  drawSession(session, people.accounts);
  if (comesOrGoes) byId('session-heading').focus({ preventScroll: true });
}

/** One thing at a time: a second click while an answer is awaited does nothing. */
function alone(work) {
  return async (...given) => {
    if (isBusy) return;
    isBusy = true;
    try {
      await work(...given);
    } finally {
      isBusy = false;
    }
  };
}

async function callHost(title, request, result) {
  const { status, json } = await stepWithSession(title, request, result);
  if (status === 200) become(told(session, json));
}

const signIn = alone(async (request) => {
  const method = (request.body && JSON.parse(request.body).method) ?? 'basic';
  const { status, json } = await step(`Sign in by ${method}`, request, sessionResult);
  if (status === 200) become(opened(json, method, people));
  else showFieldErrors(byId('sign-in'), json?.errors);
});

const actions = {
  async refresh() {
    const { status } = await stepWithSession('Refresh', api('refresh'), sessionResult);
    // The answer has no body; the new end is read from a route that tells it.
    if (status === 204) await callHost('Read the new end', whoami, routesResult);
  },
  async reauth() {
    const { status, json } = await stepWithSession('Reauth', api('reauth'), sessionResult);
    if (status === 200) become(opened(json, session.method, people));
  },
  async 'sign-out'() {
    const { status } = await stepWithSession('Sign out', api('terminate'), sessionResult);
    if (status === 204) become(noSession);
  },
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
  const request = {
    ...api('select_account'),
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ acct_id: accountId }),
  };
  const { status } = await stepWithSession('Select account', request, sessionResult);
  if (status === 200) become({ ...session, accountId });
});

signInForm(byId('sign-in'), people, signIn);
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
  await callHost('The time is up', whoami, routesResult);
  if (session.state !== 'none' && secondsLeft(session) === 0) become(noSession);
});
setInterval(() => {
  if (session.state === 'none') return;
  drawTimeLeft(session);
  if (secondsLeft(session) === 0) void askWhenOver();
}, 1000);

drawSession(session, people.accounts);
// A Cookie session survives a reload; the page knows only that there was one, and asks.
if (sessionStorage.getItem('carrier') === 'Cookie') {
  session = { ...noSession, carrier: 'Cookie' };
  await alone(() => callHost('Is the cookie still good?', whoami, routesResult))();
}
