import { element } from './element.js';
import { clearFieldErrors } from './fields.js';
import { basic } from './wire.js';

const path = '/sys/v1/session/auth';

const methodHints = {
  password: 'A user, by an e-mail address in the body.',
  basic: 'In a Basic header: a UUID is an app, an @ a user.',
  'auth-by-app-name': 'An app, by account and name in the body.',
  'aws-iam': 'An app, by what its key pair has signed for AWS.',
  discover: 'A user, by an identity provider of the account.',
  directory: 'A user, by the password that the directory knows.',
};
const carrierHints = {
  Bearer: 'The token is in the answer; a reload forgets it.',
  Cookie: 'The token is in Set-Cookie; a reload keeps it.',
};

/** Brings the form to life; `submit` gets the request that the fields make. */
export function signInForm(form, { alice, bob, robot, aws }, submit) {
  const { elements: fields } = form;
  const presets = {
    password: [
      { label: 'alice', email: alice.email, password: alice.password },
      { label: 'bob', email: bob.email, password: bob.password },
    ],
    basic: [
      { label: 'robot', username: robot.id, password: robot.secret },
      { label: 'alice', username: alice.email, password: alice.password },
      { label: 'bob', username: bob.email, password: bob.password },
    ],
    'auth-by-app-name': [
      { label: 'robot', acct_id: robot.accountId, name: robot.name, password: robot.secret },
    ],
    'aws-iam': [
      { label: 'robot', ...keyPairOf(aws.robot) },
      { label: 'a stranger', ...keyPairOf(aws.stranger) },
    ],
    directory: [
      { label: 'alice', email: alice.email, password: alice.directoryPassword },
      { label: 'bob', email: bob.email, password: bob.directoryPassword },
    ],
    discover: [
      { label: 'alice', email: alice.email },
      { label: 'bob', email: bob.email },
      { label: 'a stranger', email: 'carol@example.com' },
    ],
  };
  const fillIn = ({ label: _, ...values }) => {
    clearFieldErrors(form);
    for (const [name, value] of Object.entries(values)) fields.namedItem(name).value = value;
  };

  let directory = null;
  const modeOf = () => (directory === null ? fields.namedItem('method').value : 'directory');
  const labels = { discover: 'Find ways to sign in', directory: 'Sign in by the directory' };
  const chooseMethod = () => {
    const method = modeOf();
    for (const field of form.querySelectorAll('[data-for]'))
      field.hidden = !field.dataset.for.split(' ').includes(method);
    form.querySelector('#submit').textContent = labels[method] ?? 'Sign in';
    form.querySelector('#offers').hidden = true;
    form.querySelector('#method-hint').textContent = methodHints[method];
    const buttons = presets[method].map((preset) => {
      const button = element('button', { type: 'button', className: 'small' }, preset.label);
      button.addEventListener('click', () => fillIn(preset));
      return button;
    });
    form.querySelector('#fill').replaceChildren(...buttons);
    fillIn(presets[method][0]);
    chooseCarrier();
  };
  const chooseCarrier = () => {
    const carrier = modeOf() === 'discover' ? 'Cookie' : fields.namedItem('token_type').value;
    form.querySelector('#carrier-hint').textContent = carrierHints[carrier];
  };

  const reveal = form.querySelector('#reveal');
  reveal.addEventListener('click', () => {
    const isShown = reveal.getAttribute('aria-pressed') === 'true';
    reveal.setAttribute('aria-pressed', String(!isShown));
    fields.namedItem('password').type = isShown ? 'password' : 'text';
  });
  for (const radio of fields.namedItem('method'))
    radio.addEventListener('change', () => {
      directory = null;
      chooseMethod();
    });
  for (const radio of fields.namedItem('token_type')) radio.addEventListener('change', chooseCarrier);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    clearFieldErrors(form);
    const { method: chosen, ...values } = Object.fromEntries(new FormData(form));
    const method = directory === null ? chosen : 'ldap-basic-auth';
    const toSign = method === 'aws-iam' ? requestToSign(values) : null;
    submit(method, toSign ?? requestOf({ method, idp_id: directory?.idp_id, ...values }));
  });
  chooseMethod();
  return {
    /** Goes on with a directory that discovery has offered. */
    byDirectory(offer) {
      const email = fields.namedItem('email').value;
      directory = offer;
      chooseMethod();
      const preset = presets.directory.find((each) => each.email === email);
      fillIn(preset ?? { email, password: '' });
      fields.namedItem('password').focus();
    },
  };
}

const keyPairOf = ({ accessKeyId, secretAccessKey }) => ({ accessKeyId, secretAccessKey });

/**
 * Has the host sign as an app at AWS does, which never shows its key pair; `leadsTo` makes the request of `POST session/auth`
 * of what it answers.
 */
function requestToSign({ token_type, accessKeyId, secretAccessKey }) {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ accessKeyId, secretAccessKey });
  const cookie = token_type === 'Cookie' ? 'takes' : undefined;
  const leadsTo = (signed) => {
    const own = JSON.stringify({ ...signed, token_type });
    return { method: 'POST', path, headers, body: own, cookie };
  };
  return { method: 'POST', path: '/api/aws-request', headers, body, leadsTo };
}

/** The request of `POST session/auth`. A Basic header needs no body unless the session is to be a cookie. */
function requestOf({ method, token_type, email, username, acct_id, name, password, idp_id }) {
  const headers = {};
  if (method === 'discover') {
    headers['Content-Type'] = 'application/json';
    const body = JSON.stringify({ user_email: email });
    return { method: 'POST', path: `${path}/discover`, headers, body, cookie: 'begins' };
  }
  const cookie = token_type === 'Cookie' ? 'takes' : undefined;
  const json = {
    password: { method, token_type, email, password },
    basic: token_type === 'Cookie' ? { token_type } : undefined,
    'auth-by-app-name': { method, token_type, acct_id, name, password },
    'ldap-basic-auth': { method, token_type, idp_id, email, password },
  }[method];
  if (method === 'basic') headers.Authorization = basic(username, password);
  if (json !== undefined) headers['Content-Type'] = 'application/json';
  return { method: 'POST', path, headers, body: json && JSON.stringify(json), cookie };
}
