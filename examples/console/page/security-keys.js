import { showSentence } from './answer-view.js';
import { drawCountdown, secondsUntil } from './countdown.js';
import { clearFieldErrors, showFieldErrors } from './fields.js';
import { keyView } from './key-view.js';
import { recoveryCodes } from './recovery-codes.js';
import { hasWebAuthn, makeKey, noWebAuthn } from './webauthn.js';

const byId = (id) => document.getElementById(id);

/** How long a password unlocks the configuration; the answer does not tell, the README does. */
const unlockedFor = 600_000;

/**
 * The panel of an active user: the keys that are enrolled, and the way to one more. To change anything, the
 * configuration is unlocked with the password first, by the same session.
 */
export function securityKeys({ people, prompt, api, alone, stepWithSession, session }) {
  const unlockForm = byId('unlock');
  const addForm = byId('add-key');
  const result = byId('keys-result');
  let unlockedUntil = 0;
  let devices = [];

  const isUnlocked = () => secondsUntil(unlockedUntil) > 0;

  /** Locks or unlocks the panel; where that takes the form away that is worked in, its successor gets the focus. */
  const setUnlocked = (until) => {
    unlockedUntil = until;
    const [next, last] = isUnlocked() ? [addForm, unlockForm] : [unlockForm, addForm];
    const hadFocus = last.contains(document.activeElement);
    unlockForm.hidden = isUnlocked();
    addForm.hidden = !isUnlocked();
    byId('lock-state').textContent = isUnlocked() ? 'unlocked' : 'locked';
    byId('lock-state').classList.toggle('good', isUnlocked());
    unlockForm.reset();
    for (const form of [unlockForm, addForm]) clearFieldErrors(form);
    codes.setUnlocked(isUnlocked());
    drawList();
    tick();
    if (hadFocus) next.querySelector('input').focus();
  };

  /** A step of the configuration. It may turn out to be locked, whatever this page believes. */
  const configure = async (title, request) => {
    const answer = await stepWithSession(title, request, result);
    if (answer.json?.code === 'configuration_locked') setUnlocked(0);
    return answer;
  };

  const list = async () => {
    const request = { method: 'GET', path: api('config_2fa/devices').path };
    const { status, json } = await stepWithSession('List the security keys', request, result, {
      isAside: true,
    });
    if (status !== 200) return;
    devices = json.mfa_devices;
    drawList();
    codes.drawLeft(json.recovery_codes_left);
  };

  const codes = recoveryCodes({ alone, configure });
  const change = (title, method) =>
    alone(async (body) => {
      const { path } = api('config_2fa/devices');
      const headers = { 'Content-Type': 'application/json' };
      const { status } = await configure(title, { method, path, headers, body: JSON.stringify(body) });
      if (status !== 204) return;
      await list();
      byId('keys-heading').focus({ preventScroll: true });
    });
  const rename = change('Rename the security key', 'PATCH');
  const remove = change('Remove the security key', 'DELETE');
  const actions = {
    rename: (old_name, new_name) => rename({ old_name, new_name }),
    remove: (name) => remove({ name }),
  };

  function drawList() {
    byId('key-list').replaceChildren(
      ...devices.map((device) => keyView(device, isUnlocked() ? actions : null)),
    );
    byId('key-list').hidden = devices.length === 0;
    byId('no-keys').hidden = devices.length > 0;
  }

  const unlock = alone(async () => {
    clearFieldErrors(unlockForm);
    const password = unlockForm.elements.namedItem('password').value;
    const { status, json } = await configure('Unlock', api('config_2fa/auth', { password }));
    if (status === 200) setUnlocked(Date.now() + unlockedFor);
    else if (json?.code === 'invalid_credentials')
      refuse(unlockForm, 'password', 'This is not the password.');
    else showFieldErrors(unlockForm, json?.errors);
  });

  const add = alone(async () => {
    clearFieldErrors(addForm);
    const name = addForm.elements.namedItem('name').value.trim();
    if (name === '') return refuse(addForm, 'name', 'The key needs a name.');
    const asked = await configure('Ask for a challenge', api('config_2fa/new_challenge?protocol=fido2'));
    if (asked.status !== 200) return;
    if (asked.json.pubKeyCredParams === undefined) {
      // A challenge to unlock with a key that is there, which is no challenge to enrol one.
      setUnlocked(0);
      return showSentence(result, 'locked', 'The configuration is locked again; unlock it first.', 'bad');
    }
    const attestationResult = await prompt.ask(byId('add'), result, (signal) => makeKey(asked.json, signal));
    if (attestationResult === null) return;
    const { status, json } = await configure(
      'Add the security key',
      api('config_2fa/devices', { name, attestationResult }),
    );
    if (json?.code === 'name_taken') return refuse(addForm, 'name', json.title);
    if (status !== 201) return showFieldErrors(addForm, json?.errors);
    addForm.reset();
    await list();
  });

  const lock = alone(async () => {
    const { status } = await configure('Lock', api('config_2fa/terminate'));
    if (status === 204) setUnlocked(0);
  });

  function tick() {
    if (isUnlocked()) drawCountdown('unlocked-left', unlockedUntil, unlockedFor);
    else if (unlockedUntil > 0) {
      setUnlocked(0);
      showSentence(result, 'locked', 'The time is up; the configuration is locked again.');
    }
  }

  const submits = (form, work) =>
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (prompt.isOpen()) prompt.stop();
      else void work();
    });
  submits(unlockForm, unlock);
  submits(addForm, add);
  byId('lock').addEventListener('click', lock);
  byId('fill-password').addEventListener('click', () => {
    clearFieldErrors(unlockForm);
    unlockForm.elements.namedItem('password').value = personOf(session(), people)?.password ?? '';
  });
  byId('add').disabled = !hasWebAuthn;
  byId('no-webauthn').textContent = hasWebAuthn ? '' : noWebAuthn;

  return {
    tick,
    /** Opens the panel for a session, locked, and reads the list; or closes it. */
    async show(isUser) {
      byId('keys').hidden = !isUser;
      devices = [];
      setUnlocked(0);
      result.replaceChildren();
      if (!isUser) return;
      byId('fill-password').textContent = session().name.split('@')[0];
      byId('fill-row').hidden = personOf(session(), people) === undefined;
      await list();
    },
  };
}

/** Shows at a field why it will not do, and puts the cursor there. */
function refuse(form, name, detail) {
  showFieldErrors(form, [{ path: name, detail }]);
  form.elements.namedItem(name).focus();
}

function personOf({ entityId }, { alice, bob }) {
  return [alice, bob].find(({ id }) => id === entityId);
}
