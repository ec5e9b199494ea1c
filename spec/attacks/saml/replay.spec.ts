import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { samlProvider } from '../../../lib/testing/index.js';
import type { Faults } from '../../support/faults.js';
import { alice } from '../../support/people.js';
import { Outcomes, repeatedly, repetitions, some } from '../../support/repeated.js';
import {
  begin,
  expectAlice,
  idpKeys,
  inAssertion,
  onSaml,
  refusal,
  type Stage,
  swap,
} from '../../support/saml.js';

const unasked = { dangerouslyAllowUnsolicited: true } as const;

/** Posts a response many times at once, to both nodes in turn; the statuses, sorted. */
async function flood(stage: Stage, count: number, post: (at: number) => ReturnType<Stage['post']>) {
  const answers = await Promise.all(Array.from({ length: count }, (_, at) => post(at)));
  const usual = await refusal(stage.nodes[0]);
  for (const { status, body, headers } of answers.filter(({ status }) => status !== 200))
    expect([status, body, headers['set-cookie']]).toEqual([401, usual, undefined]);
  return answers.filter(({ status }) => status === 200);
}

describe('attacks by saying it again (SAML-16)', () => {
  it('SAML-16: a response is good once, on every node and for as long as it would be good', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const usual = await refusal(stage.nodes[0]);
      const begun = await stage.begin();
      const response = await stage.provider.response(stage.said(begun, { lifetime: 3600 }));
      await expectAlice(stage, 'first', await stage.post(begun, response));
      for (const seconds of [0, 1, 59, 240, 60, 60, 200, 300]) {
        stage.clock.advance(seconds);
        for (const node of stage.nodes) {
          for (const id of [begun.id, null]) {
            const { status, body } = await stage.post(begun, response, { id }, node);
            expect([seconds, status, body]).toEqual([seconds, 401, usual]);
          }
        }
      }
      expect(stage.shared.rows.size).toBe(1);
    }));

  it('SAML-16: of twenty copies at once on one node exactly one signs in', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const begun = await stage.begin();
      const response = await stage.provider.response(stage.said(begun));
      const [one, ...more] = await flood(stage, 20, () => stage.post(begun, response));
      expect([more, stage.shared.rows.size]).toEqual([[], 1]);
      if (one !== undefined) await expectAlice(stage, 'the one', one);
    }));

  it('SAML-16, RACE-05: of twenty copies at once on two nodes exactly one signs in', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const begun = await stage.begin();
      const response = await stage.provider.response(stage.said(begun));
      const good = await flood(stage, 20, (at) => stage.post(begun, response, {}, stage.nodes[at % 2]));
      expect([good.length, stage.shared.rows.size]).toEqual([1, 1]);
    }));

  it('SAML-16, RACE-05: of four copies on two nodes within some milliseconds exactly one signs in, fifty times', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const outcomes = new Outcomes();
      await repeatedly(async () => {
        const begun = await stage.begin();
        const response = await stage.provider.response(stage.said(begun));
        const answers = await Promise.all(
          Array.from({ length: 4 }, async (_, at) => {
            await sleep(some(20));
            return stage.post(begun, response, {}, stage.nodes[at % 2]);
          }),
        );
        const statuses = answers.map(({ status }) => status);
        expect([...statuses].sort()).toEqual([200, ...Array(3).fill(401)]);
        outcomes.note(statuses.indexOf(200) % 2);
      });
      outcomes.expectEach(0, 1);
      expect(stage.shared.rows.size).toBe(repetitions);
    }));

  it('SAML-16: of many responses to one request exactly one signs in', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const begun = await stage.begin();
      const responses: string[] = [];
      for (let at = 0; at < 6; at += 1) responses.push(await stage.provider.response(stage.said(begun)));
      expect(new Set(responses).size).toBe(6);
      const good = await flood(stage, 6, (at) =>
        stage.post(begun, responses[at] ?? '', {}, stage.nodes[at % 2]),
      );
      expect([good.length, stage.shared.rows.size]).toEqual([1, 1]);
    }));

  it('SAML-16: one assertion in two responses signs in once', () =>
    onSaml({ signed: 'assertion' }, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const begun = await stage.begin();
      const xml = await stage.provider.xml(stage.said(begun, { sign: 'assertion' }));
      const again = swap(/(<samlp:Response [^>]*) ID="[^"]*"/, (found) =>
        found.replace(/ID="[^"]*"/, 'ID="_x"'),
      )(xml);
      const both = [xml, again].map((each) => Buffer.from(each).toString('base64'));
      const good = await flood(stage, 2, (at) => stage.post(begun, both[at] ?? '', {}, stage.nodes[at]));
      expect([good.length, stage.shared.rows.size]).toEqual([1, 1]);
    }));

  it('SAML-16: a response that nobody asked for is good once too, where it is taken at all', () =>
    onSaml(unasked, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const response = await stage.provider.response(stage.said({ id: '' }, { inResponseTo: null }));
      const nobody = { id: '', headers: {} };
      const good = await flood(stage, 20, (at) =>
        stage.post(nobody, response, { id: null }, stage.nodes[at % 2]),
      );
      expect([good.length, stage.shared.rows.size]).toEqual([1, 1]);
      const usual = await refusal(stage.nodes[0]);
      for (const seconds of [1, 300, 59]) {
        stage.clock.advance(seconds);
        const { status, body } = await stage.post(nobody, response, { id: null });
        expect([seconds, status, body]).toEqual([seconds, 401, usual]);
      }
    }));

  it('SAML-16: assertions of two providers may have one id', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const entityId = 'https://second.example/metadata';
      stage.record({ id: 'second', entityId, domains: ['example.com'] });
      const second = samlProvider({ entityId, ...idpKeys, clock: stage.clock });
      const one = await stage.begin();
      const other = await begin(stage.nodes[0], alice.email, 'second');
      const sameId = inAssertion((xml) => xml.replace(/ ID="[^"]*"/, ' ID="_same"'));
      const signed = { sign: 'response', ...sameId } as const;
      stage.record({ signed: 'response' });
      stage.record({ id: 'second', entityId, domains: ['example.com'], signed: 'response' });
      const first = await stage.provider.response(stage.said(one, signed));
      await expectAlice(stage, 'first', await stage.post(one, first));
      const next = await second.response(stage.said(other, signed));
      await expectAlice(stage, 'second', await stage.post(other, next));
    }));
});

describe('attacks while a store fails (SAML-17)', () => {
  const broken = (drive: (stage: Stage) => Promise<void>) =>
    onSaml(
      {},
      (stage) => {
        stage.expectFaults();
        stage.expectSessionsOf(alice.id);
        return drive(stage);
      },
      { dependencyTimeout: 0.3 },
    );

  /** Posts a response while something is broken, and again when it is whole: only then it signs in, and once. */
  async function expectLater(stage: Stage, name: string, breaks: () => Faults): Promise<void> {
    const begun = await stage.begin();
    const response = await stage.provider.response(stage.said(begun));
    const before = stage.shared.rows.size;
    const faults = breaks();
    const { status, headers } = await stage.post(begun, response);
    expect([name, status, headers['set-cookie']]).toEqual([name, 503, undefined]);
    expect([name, stage.shared.rows.size]).toEqual([name, before]);
    faults.heal();
    await expectAlice(stage, name, await stage.post(begun, response));
    expect([name, (await stage.post(begun, response)).status]).toEqual([name, 401]);
  }

  it('FLT-08: junk fills no store of what is good once, and takes nothing from what was used', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const begun = await stage.begin();
      const response = await stage.provider.response(stage.said(begun));
      await expectAlice(stage, 'genuine', await stage.post(begun, response));
      const { calls } = stage.shared.faults.oneTime;
      const before = calls.get('claim') ?? 0;
      for (let n = 0; n < 60; n += 1) {
        const other = await stage.begin();
        const said = stage.said(other, { sign: n % 2 === 0 ? 'none' : 'both' });
        const junk = await stage.provider.response(
          n % 2 === 0 ? said : { ...said, audience: `https://${n}` },
        );
        expect((await stage.post(other, junk)).status).toBe(401);
      }
      expect(calls.get('claim') ?? 0).toBe(before);
      expect((await stage.post(begun, response)).status).toBe(401);
    }));

  it('SAML-17: when the one-time store fails nobody is signed in and nothing is used up', () =>
    broken(async (stage) => {
      const { oneTime } = stage.shared.faults;
      for (const fault of ['throw', 'reject', 'hang', 'garbage'] as const)
        await expectLater(stage, fault, () => {
          oneTime.break('claim', fault);
          return oneTime;
        });
    }));

  it('SAML-17: when the second of two claims fails the first is given back', () =>
    broken(async (stage) => {
      const { oneTime } = stage.shared.faults;
      await expectLater(stage, 'a failure after the assertion was claimed', () => {
        const calls = oneTime.calls.get('claim') ?? 0;
        const watch = setInterval(() => {
          if ((oneTime.calls.get('claim') ?? 0) > calls) {
            oneTime.break('claim', 'reject');
            clearInterval(watch);
          }
        }, 0);
        return oneTime;
      });
    }));

  it('SAML-17: when the session cannot be saved the same response is good later', () =>
    broken(async (stage) => {
      const { store } = stage.shared.faults;
      for (const fault of ['throw', 'reject', 'hang'] as const)
        await expectLater(stage, fault, () => {
          store.break('set', fault);
          return store;
        });
    }));

  it('SAML-17: when a lookup fails nobody is signed in and nothing is used up', () =>
    broken(async (stage) => {
      const { users, identityProviders, accounts, devices } = stage.nodes[1].faults;
      const lookups: [Faults, string][] = [
        ...['listSamlByEntityId', 'findById'].map((name): [Faults, string] => [identityProviders, name]),
        ...['findByFederatedIdentity', 'findByEmail', 'linkFederatedIdentity'].map(
          (name): [Faults, string] => [users, name],
        ),
        [accounts, 'findById'],
        [devices, 'listByUser'],
      ];
      const begun = await stage.begin();
      const response = await stage.provider.response(stage.said(begun));
      for (const [faults, name] of lookups)
        for (const fault of ['reject', 'garbage', 'hang'] as const) {
          faults.break(name, fault);
          const { status, headers } = await stage.post(begun, response);
          expect([name, fault, status, headers['set-cookie']]).toEqual([name, fault, 503, undefined]);
          faults.heal();
        }
      expect(stage.shared.rows.size).toBe(0);
      await expectAlice(stage, 'later', await stage.post(begun, response));
    }));
});
