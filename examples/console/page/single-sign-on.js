import { showSentence } from './answer-view.js';
import { element } from './element.js';

const byId = (id) => document.getElementById(id);

/** What `session/auth` calls the methods that discovery offers. */
const methods = { 'saml-post': 'saml-response', 'oauth-auth-code-grant': 'oauth-auth-code' };

const errors = {
  invalid_credentials: 'The identity provider’s word was not enough: nobody is signed in.',
  too_many_requests: 'Too many failures came from this address; wait a little.',
};

/** Shows the ways to sign in that discovery has answered with. Those of other pages leave this one. */
export function showOffers(offers, { byPassword, byDirectory }) {
  const choose = { password: byPassword, 'ldap-password': byDirectory };
  const items = offers.map((offer) => {
    const { method, name } = offer;
    const label = method === 'password' ? 'Password' : `Continue with ${name}`;
    const button = element('button', { type: 'button' }, label, ' ', element('code', {}, method));
    button.addEventListener('click', () => (choose[method] ?? leaveFor)(offer));
    return element('li', {}, button);
  });
  byId('offer-list').replaceChildren(...items);
  byId('offers').hidden = items.length === 0;
  byId('offers-heading').focus({ preventScroll: true });
}

/** Goes to the identity provider: by its address, or by a form that is posted to it. */
function leaveFor({ method, authorization_url, binding_url, authn_request }) {
  sessionStorage.setItem('begun', methods[method]);
  if (authorization_url !== undefined) {
    location.assign(authorization_url);
    return;
  }
  const request = element('input', { type: 'hidden', name: 'SAMLRequest', value: authn_request });
  const form = element('form', { method: 'post', action: binding_url, hidden: true }, request);
  document.body.append(form);
  form.submit();
}

/**
 * What the page was told when the browser came back from where it has sent it. Anybody can make a link with a fragment, so
 * one that was not waited for is nothing, and of a session only the challenge is taken over: who it is says the server.
 */
export function broughtBack() {
  const told = new URLSearchParams(location.hash.slice(1));
  const [session, error] = [told.get('session'), told.get('error')];
  // The address bar is no place for it, and a reload shall not tell it again.
  if (location.hash !== '') history.replaceState(null, '', location.pathname);
  const method = sessionStorage.getItem('begun');
  sessionStorage.removeItem('begun');
  if (method === null || (session === null && error === null)) return null;
  if (session === null) return { error, method };
  const answer = jsonOf(session);
  return answer?.token_type === 'Cookie' ? { answer, method } : { error: 'invalid_credentials', method };
}

/** Says what came of a sign-in that ended on another page. */
export function showReturn({ error, method }, result) {
  if (error === undefined) showSentence(result, 'back', `Signed in by ${method}.`, 'good');
  else showSentence(result, error, errors[error] ?? 'Try again later.', 'bad');
}

/** The JSON that base64url stands for; `undefined` for anything else. */
function jsonOf(base64url) {
  try {
    const bytes = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
  } catch {
    return undefined;
  }
}
