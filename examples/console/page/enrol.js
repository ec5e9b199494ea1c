import { clearFieldErrors, showFieldErrors } from './fields.js';
import { enrolled } from './session.js';
import { hasWebAuthn, makeKey, noWebAuthn } from './webauthn.js';

const byId = (id) => document.getElementById(id);

/** The panel of a session that may only enrol a second factor: the first key, which it owes then. */
export function enrolPanel({ prompt, api, alone, stepWithSession, become, session }) {
  const form = byId('enrol-key');
  const button = byId('enrol-first');
  const result = byId('session-result');

  const enrol = alone(async () => {
    clearFieldErrors(form);
    const name = form.elements.namedItem('name').value.trim();
    const refuse = (detail) => showFieldErrors(form, [{ path: 'name', detail }]);
    if (name === '') return refuse('The key needs a name.');
    const ask = api('config_2fa/new_challenge?protocol=fido2');
    const asked = await stepWithSession('Ask for a challenge', ask, result);
    if (asked.status !== 200) return;
    const attestationResult = await prompt.ask(button, result, (signal) => makeKey(asked.json, signal));
    if (attestationResult === null) return;
    const request = api('config_2fa/devices', { name, attestationResult });
    const { status, json } = await stepWithSession('Enrol the security key', request, result);
    if (status === 201) await become(enrolled(session(), json));
    else showFieldErrors(form, json?.errors);
  });

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (prompt.isOpen()) prompt.stop();
    else void enrol();
  });
  button.disabled = !hasWebAuthn;
  if (!hasWebAuthn) byId('first-key-name-error').textContent = noWebAuthn;

  return {
    draw({ state }) {
      byId('enrol').hidden = state !== 'enrolling';
      if (state !== 'enrolling') form.reset();
    },
  };
}
