import { element } from './element.js';

const byId = (id) => document.getElementById(id);

/** The recovery codes of the user: how many are left, and new ones, which are shown once. */
export function recoveryCodes({ alone, configure }) {
  const button = byId('new-codes');

  const drawLeft = (left) => {
    const words = left === 0 ? 'None' : String(left);
    byId('codes-left').textContent = `${words} left. One stands in for a key that is lost.`;
  };
  const show = (codes) => {
    byId('code-list').replaceChildren(...codes.map((code) => element('li', {}, code)));
    byId('codes-shown').hidden = codes.length === 0;
  };

  button.addEventListener(
    'click',
    alone(async () => {
      const request = { method: 'POST', path: '/sys/v1/users/generate_recovery_codes' };
      const { status, json } = await configure('Make new recovery codes', request);
      if (status !== 200) return;
      show(json.recovery_codes);
      drawLeft(json.recovery_codes.length);
      byId('codes-heading').focus({ preventScroll: true });
    }),
  );

  return {
    drawLeft,
    setUnlocked(isUnlocked) {
      button.disabled = !isUnlocked;
      if (!isUnlocked) show([]);
    },
  };
}
