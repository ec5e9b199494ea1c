import { element } from './element.js';
import { clearFieldErrors, showFieldErrors } from './fields.js';
import { proved } from './session.js';
import { hasWebAuthn, noWebAuthn, useKey } from './webauthn.js';

const byId = (id) => document.getElementById(id);
const forgotten =
  'The challenge came with the answer to the sign-in, and a reload forgot it. Sign out, and sign in again.';

/**
 * The panel of a session that owes its second factor: which keys may be used, and the button that asks for one.
 * A wrong key leaves the session as it is; the same challenge can be tried again.
 */
export function secondFactorPanel({ prompt, api, alone, stepWithSession, become, readEnd }) {
  const button = byId('use-key');
  const result = byId('session-result');

  const use = alone(async (session) => {
    const assertion = await prompt.ask(button, result, (signal) =>
      useKey(session.secondFactor.options, signal),
    );
    if (assertion === null) return;
    const request = { ...api('auth/2fa/fido2', assertion), cookie: 'changes' };
    const { status } = await stepWithSession('Use the security key', request, result);
    if (status !== 204) return;
    await become(proved(session));
    await readEnd();
  });

  const form = byId('recover');
  const recover = alone(async (session) => {
    clearFieldErrors(form);
    const recovery_code = form.elements.namedItem('recovery_code').value;
    const request = { ...api('auth/2fa/recovery_code', { recovery_code }), cookie: 'changes' };
    const { status, json } = await stepWithSession('Use a recovery code', request, result);
    if (status === 204) {
      form.reset();
      await become(proved(session));
      await readEnd();
    } else if (json?.code === 'invalid_credentials')
      showFieldErrors(form, [
        { path: 'recovery_code', detail: 'This is none of your codes, or it was used.' },
      ]);
    else showFieldErrors(form, json?.errors);
  });

  let shown;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void recover(shown);
  });
  button.addEventListener('click', () => {
    if (prompt.isOpen()) prompt.stop();
    else void use(shown);
  });

  return {
    draw(session) {
      shown = session;
      const { state, secondFactor } = session;
      byId('second-factor').hidden = state !== 'pending';
      if (state !== 'pending') {
        form.reset();
        clearFieldErrors(form);
      }
      byId('usable').hidden = secondFactor === undefined;
      byId('usable-keys').replaceChildren(
        ...(secondFactor?.devices ?? []).map(({ name }) => element('li', {}, element('strong', {}, name))),
      );
      const obstacle = hasWebAuthn ? forgotten : noWebAuthn;
      byId('obstacle').textContent = hasWebAuthn && secondFactor !== undefined ? '' : obstacle;
      button.disabled = !hasWebAuthn || secondFactor === undefined;
    },
  };
}
