import { describe, expect, it } from '@jest/globals';
import { basic } from '../../support/app.js';
import { attack } from '../../support/attack.js';
import { config } from '../../support/configuring.js';
import { sessionIn } from '../../support/credentials.js';
import { auth, codeOf } from '../../support/owing.js';
import { acme, alice, globex, robot } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';

const session = '/sys/v1/session';
/** An answer to a challenge that is good in form and signed by nobody. */
const unsigned = { id: 'AA', response: { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' } };
const device = {
  name: 'key',
  attestationResult: { id: 'AA', response: { clientDataJSON: 'AA', attestationObject: 'AA' } },
};
const ofUsers: [string, string, unknown?][] = [
  ['POST', `${session}/select_account`, { acct_id: acme }],
  ['POST', `${session}/select_account`, { acct_id: globex }],
  ['POST', config.auth, { password: robot.secret }],
  ['POST', config.auth, { password: alice.password }],
  ['POST', config.auth, {}],
  ['POST', config.challenge],
  ['POST', config.terminate],
  ['POST', '/sys/v1/users/generate_recovery_codes'],
  ['GET', config.devices],
  ['POST', config.devices, device],
  ['PATCH', config.devices, { old_name: 'key', new_name: 'other' }],
  ['DELETE', config.devices, { name: 'key' }],
  ['POST', `${auth}/2fa/fido2`, unsigned],
  ['POST', `${auth}/2fa/recovery_code`, { recovery_code: 'none' }],
  ['POST', `${auth}/2fa/u2f`, { keyHandle: 'AA', signatureData: 'AA', clientData: 'AA' }],
  ['GET', '/user'],
  ['GET', `/accounts/${globex}`],
];

describe('attacks by an app on what is for users', () => {
  it.each(['Bearer', 'Cookie'])('APP-05: none of it opens to the session of an app: %s', (token_type) =>
    attack({}, async (target) => {
      const { nodes } = target;
      const [one, other] = nodes;
      target.expectSessionsOf(robot.id);
      // A user of the very id of the app, who has a device.
      const { users, devices } = one.repositories;
      const row = users.table.get(alice.id);
      if (row !== undefined) users.table.set(robot.id, { ...row, id: robot.id });
      await enrolledKey(one, robot);
      const headers = sessionIn(await one.call(auth, { token_type }, basic(robot.id, robot.secret)));

      for (const [at, [method, path, body]] of ofUsers.entries()) {
        const text = body === undefined ? '' : JSON.stringify(body);
        const length = { 'Content-Length': String(Buffer.byteLength(text)) };
        const answer = await (nodes[at % 2] ?? one).send({
          ...{ method, path, headers: { ...headers, ...length }, body: text },
        });
        expect([method, path, answer.status]).toEqual([method, path, 403]);
        expect(codeOf(answer)).toMatch(/^(?:wrong_principal|wrong_session_state|account_required)$/);
      }
      expect((await devices.listByUser(robot.id)).map(({ name }) => name)).toEqual(['key']);
      expect(await devices.countRecoveryCodes(robot.id)).toBe(0);

      const app = await other.send({ method: 'GET', path: '/app', headers });
      expect(JSON.parse(app.body)).toMatchObject({
        id: robot.id,
        session: { accountId: acme, state: 'active' },
      });
      expect((await other.call(`${session}/reauth`, undefined, headers)).status).toBe(200);
    }),
  );

  it('APP-05: reauth, which is for apps, opens to no user and to no key', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      target.expectSessionsOf(alice.id);
      const users = sessionIn(await one.call(auth, undefined, basic(alice.email, alice.password)));
      expect((await other.call(`${session}/reauth`, undefined, users)).status).toBe(403);
      const byKey = await other.call(`${session}/reauth`, undefined, basic(robot.id, robot.secret));
      expect(byKey.status).toBe(401);
    }));
});
