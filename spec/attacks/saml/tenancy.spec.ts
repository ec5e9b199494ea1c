import { describe, expect, it } from '@jest/globals';
import { samlProvider } from '../../../lib/testing/index.js';
import { bearer } from '../../support/app.js';
import { keyAndCertificate } from '../../support/keys.js';
import { acme, alice, bob, globex } from '../../support/people.js';
import {
  begin,
  entityId,
  expectAccepted,
  expectAlice,
  expectRefused,
  type Forgery,
  onSaml,
  refusal,
  type Stage,
} from '../../support/saml.js';

const theirs = keyAndCertificate('globex');

/** Signs alice in; what presents her session. */
async function signedIn(stage: Stage): Promise<Record<string, string>> {
  const begun = await stage.begin();
  const answer = await stage.post(begun, await stage.provider.response(stage.said(begun)));
  await expectAlice(stage, 'alice', answer);
  return bearer(JSON.parse(answer.body).access_token);
}

/** The status of a route of the host, on both nodes. */
async function reach({ nodes }: Stage, headers: Record<string, string>): Promise<number[]> {
  const answers = nodes.map((node) => node.send({ method: 'GET', path: '/me', headers }));
  return (await Promise.all(answers)).map(({ status }) => status);
}

describe('attacks by a domain (TEN-05)', () => {
  const mail = (address: string) => ({ subject: `of ${address}`, attributes: { mail: address } });

  it('TEN-05: a provider speaks for exactly its own domains', () =>
    onSaml({ domains: ['example.com', 'xn--bcher-kva.example'] }, async (stage) => {
      const { table } = stage.nodes[0].repositories.users;
      const addresses = [
        ...['bob@evil-example.com', 'bob@example.com.evil', 'bob@sub.example.com', 'bob@example.co'],
        ...['bob@xexample.com', 'bob@com', 'bob@example', 'bob@bucher.example', 'bob@xn--bcher-kvb.example'],
      ];
      for (const [at, email] of addresses.entries()) {
        const id = `b0b00000-0000-4000-8000-0000000001${String(at).padStart(2, '0')}`;
        const seed = table.get(bob.id);
        if (seed) table.set(id, { ...seed, id, email, accountIds: [acme] });
      }
      const odd = [
        '@example.com@evil',
        'bob@evil@example.com',
        'bob@example.com.',
        'bob@[127.0.0.1]',
        'example.com',
      ];
      const forged = [...addresses, ...odd].map((address): [string, Forgery] => [address, mail(address)]);
      await expectRefused(stage, Object.fromEntries(forged));
    }));

  it.each([
    ['BOB@EXAMPLE.COM', 'bob@example.com'],
    ['bob@bücher.example', 'bob@xn--bcher-kva.example'],
    ['bob@BÜCHER.example', 'bob@xn--bcher-kva.example'],
  ])('TEN-05: %s is of the same domain in another spelling', (address, email) =>
    onSaml({ domains: ['example.com', 'xn--bcher-kva.example'] }, async (stage) => {
      stage.expectSessionsOf(bob.id);
      const { table } = stage.nodes[0].repositories.users;
      const seed = table.get(bob.id);
      if (seed) table.set(bob.id, { ...seed, email });
      const begun = await stage.begin();
      const answer = await stage.post(begun, await stage.provider.response(stage.said(begun, mail(address))));
      expect([answer.status, JSON.parse(answer.body).entity_id]).toEqual([200, bob.id]);
    }),
  );

  it('TEN-05: domains of a record that are in no canonical form speak for nobody', () =>
    onSaml(
      { domains: ['example.com', 'EXAMPLE.NET', '.example.org', '*', '@example.info'] },
      async (stage) => {
        const { table } = stage.nodes[0].repositories.users;
        const seed = table.get(bob.id);
        const forged: Record<string, Forgery> = {};
        for (const [at, domain] of ['example.net', 'a.example.org', 'example.info'].entries()) {
          const id = `b0b00000-0000-4000-8000-00000000020${at}`;
          if (seed) table.set(id, { ...seed, id, email: `bob@${domain}` });
          forged[domain] = mail(`bob@${domain}`);
        }
        await expectRefused(stage, forged);
      },
    ));
});

describe('attacks on a provider that changes (TEN-06)', () => {
  const changes: Record<string, (stage: Stage) => void> = {
    'is disabled': (stage) => stage.record({ enabled: false }),
    'is deleted': ({ nodes }) => nodes[0].repositories.identityProviders.table.delete('saml'),
    'has its account closed': ({ nodes }) =>
      nodes[0].repositories.accounts.table.set(acme, { id: acme, enabled: false }),
    'loses the membership of alice': ({ nodes }) => {
      const { table } = nodes[0].repositories.users;
      const row = table.get(alice.id);
      if (row) table.set(alice.id, { ...row, accountIds: [globex] });
    },
    'has alice disabled': ({ nodes }) => {
      const { table } = nodes[0].repositories.users;
      const row = table.get(alice.id);
      if (row) table.set(alice.id, { ...row, enabled: false });
    },
  };

  it.each(Object.entries(changes))(
    'TEN-06: when a provider %s its sessions end and begin no more',
    (_, change) =>
      onSaml({}, async (stage) => {
        stage.expectSessionsOf(alice.id);
        const headers = await signedIn(stage);
        const begun = await stage.begin();
        const response = await stage.provider.response(stage.said(begun));
        expect(await reach(stage, headers)).toEqual([200, 200]);
        change(stage);
        expect(await reach(stage, headers)).toEqual([401, 401]);
        const { status, body } = await stage.post(begun, response);
        expect([status, body]).toEqual([401, await refusal(stage.nodes[0])]);
        expect(stage.shared.rows.size).toBe(0);
      }),
  );

  it('TEN-06: sessions that came by another way live on', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const [node] = stage.nodes;
      const { email, password } = alice;
      const answer = await node.call('/sys/v1/session/auth', { method: 'password', email, password });
      const headers = bearer(JSON.parse(answer.body).access_token);
      stage.record({ enabled: false });
      expect(await reach(stage, headers)).toEqual([200, 200]);
    }));
});

describe('attacks between tenants of one provider (TEN-03, TEN-07, SAML-28)', () => {
  const globexs = { id: 'globex', accountId: globex, domains: ['globex.example'] };

  it('TEN-07: each tenant’s responses are verified by its own record, on every node and at once', () =>
    onSaml({}, async (stage) => {
      const other = samlProvider({ entityId, ...theirs, clock: stage.clock });
      stage.record(globexs, theirs);
      const byTheirs: Forgery = (_, begun) => other.xml(stage.said(begun));
      await expectAccepted(stage, { ours: {} });
      await expectRefused(stage, { 'by the key of the other tenant': byTheirs });
      // The same record with another key: what was kept of the old one must not be used.
      stage.record({}, theirs);
      await expectAccepted(stage, { 'the new key': byTheirs });
      stage.record({});
      await expectRefused(stage, { 'the key that is gone': byTheirs });
      stage.record({ signed: 'assertion' });
      await expectAccepted(stage, { 'less signed': { sign: 'assertion' } });
      stage.record({});
      await expectRefused(stage, { 'less signed': { sign: 'assertion' } });
    }));

  it('TEN-07: a subject of one tenant’s record is not that of another', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id, bob.id);
      await expectAccepted(stage, { 'alice at ours': {} });
      stage.record({ ...globexs, domains: ['globex.example', 'example.com'] });
      const begun = await begin(stage.nodes[0], 'x@globex.example', 'globex');
      const said = stage.said(begun, { attributes: { mail: bob.email } });
      const answer = await stage.post(begun, await stage.provider.response(said));
      expect([answer.status, JSON.parse(answer.body).entity_id]).toEqual([200, bob.id]);
      const me = await stage.nodes[0].send({
        ...{ method: 'GET', path: '/me' },
        headers: bearer(JSON.parse(answer.body).access_token),
      });
      expect(JSON.parse(me.body).session.accountId).toBe(globex);
      await expectAccepted(stage, { 'alice at ours, still': {} });
    }));

  it('SAML-28, TEN-03: the address of a user of another account selects nobody', () =>
    onSaml({}, async (stage) => {
      stage.record({ ...globexs, domains: ['globex.example', 'example.com'] });
      const usual = await refusal(stage.nodes[0]);
      const begun = await begin(stage.nodes[0], 'x@globex.example', 'globex');
      for (const email of [alice.email, 'Alice@example.com']) {
        const said = stage.said(begun, { attributes: { mail: email } });
        const { status, body } = await stage.post(begun, await stage.provider.response(said));
        expect([email, status, body]).toEqual([email, 401, usual]);
      }
      const { users } = stage.nodes[0].repositories;
      expect(await users.findByFederatedIdentity('globex', 'alice-1')).toBeNull();
      expect(stage.shared.rows.size).toBe(0);
      await expectAccepted(stage, { 'at her own': {} });
    }));
});
