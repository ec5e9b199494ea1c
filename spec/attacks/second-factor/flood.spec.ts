import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { origin } from '../../support/app.js';
import { attack } from '../../support/attack.js';
import { activeSession, addDevice, challenged, config, unlock } from '../../support/configuring.js';
import { saboteur } from '../../support/sabotage.js';

describe('attacks by asking for challenges (FIDO-25, FIDO-26)', () => {
  it('FIDO-25, FIDO-26: of a thousand challenges one is live, all differ, and the session does not grow', async () => {
    const stores = saboteur(2);
    await attack(stores.options, async (target) => {
      stores.attach(target);
      const { nodes, clock } = target;
      const { rows } = stores.shared;
      const headers = await activeSession(target);
      expect((await unlock(nodes[0], headers)).status).toBe(200);
      const first = await challenged(nodes[0], headers);
      const size = () => JSON.stringify([...rows]).length;
      const before = size();
      const seen = new Set<string>([first.challenge]);
      let last = first;
      for (let at = 1; at < 1000; at += 1) {
        last = await challenged(nodes[at % 2] ?? nodes[0], headers);
        seen.add(last.challenge);
        if (at % 100 === 0) clock.advance(1);
      }
      expect(seen.size).toBe(1000);
      for (const challenge of seen) expect(challenge).toMatch(/^[\w-]{43}$/);
      expect([rows.size, Math.abs(size() - before) < 20]).toEqual([1, true]);
      const some = [...seen].filter((_, at) => at % 100 === 0 || at === 998);
      for (const challenge of some) {
        const made = await new SoftwareAuthenticator({ origin }).create({ ...last, challenge });
        expect((await addDevice(nodes[0], headers, made, 'old')).status).toBe(401);
      }
      const made = await new SoftwareAuthenticator({ origin }).create(last);
      expect((await addDevice(nodes[1], headers, made)).status).toBe(201);
    });
  });

  it('FIDO-25, RACE-08: of many challenges that are asked for at once exactly one is good', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const headers = await activeSession(target);
      await unlock(nodes[0], headers);
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, at) =>
          (nodes[at % 2] ?? nodes[0]).call(config.challenge, undefined, headers),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
      const statuses = [];
      for (const { body } of answers) {
        const made = await new SoftwareAuthenticator({ origin }).create(JSON.parse(body));
        statuses.push((await addDevice(nodes[0], headers, made, `key ${statuses.length}`)).status);
      }
      expect(statuses.filter((status) => status === 201)).toHaveLength(1);
      expect(statuses.filter((status) => status === 401)).toHaveLength(11);
    }));

  it('FIDO-25: a challenge is for fido2, and no other protocol is read out of the query', () =>
    attack({}, async (target) => {
      const [node] = target.nodes;
      const headers = await activeSession(target);
      await unlock(node, headers);
      const path = config.challenge.replace(/\?.*/, '');
      for (const query of [
        '',
        '?protocol=u2f',
        '?protocol=',
        '?protocol=FIDO2',
        '?protocol=fido2&protocol=u2f',
        '?protocol[]=fido2',
        '?protocol[x]=fido2',
        '?__proto__[protocol]=fido2',
      ])
        expect([query, (await node.call(path + query, undefined, headers)).status]).toEqual([query, 400]);
      expect((await node.call(path, { protocol: 'fido2' }, headers)).status).toBe(400);
      expect((await node.call(config.challenge, undefined, headers)).status).toBe(200);
    }));
});
