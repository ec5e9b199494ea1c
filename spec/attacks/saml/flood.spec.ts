import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { auth } from '../../support/federation.js';
import { floodFrom } from '../../support/flood.js';
import {
  base64,
  expectAccepted,
  expectRefused,
  type Forgery,
  onSaml,
  refusal,
  swap,
} from '../../support/saml.js';

const most = 262_144;
const assertion = { sign: 'assertion' } as const;
/** Puts something into a response beside the signed assertion. */
const extended = (inner: (room: number) => string): Forgery => ({
  ...assertion,
  tamper: (xml) => {
    const room = most - Buffer.byteLength(xml) - '<samlp:Extensions></samlp:Extensions>'.length;
    return swap('<samlp:Status>', `<samlp:Extensions>${inner(room)}</samlp:Extensions><samlp:Status>`)(xml);
  },
});
const levels = (count: number) => extended(() => '<x>'.repeat(count) + '</x>'.repeat(count));

describe('attacks by size and depth (SAML-33)', () => {
  it('SAML-33: a document of 262,144 bytes is read and one of a byte more is not', () =>
    onSaml({ signed: 'assertion' }, async (stage) => {
      await expectAccepted(stage, { 'the largest': extended((room) => ' '.repeat(room)) });
      await expectRefused(
        stage,
        {
          'a byte more': extended((room) => ' '.repeat(room + 1)),
          'more bytes than characters': extended((room) => 'é'.repeat(room / 2 + 1)),
        },
        assertion,
      );
    }));

  it('SAML-33: a document of 100 levels is read and one of a level more is not', () =>
    onSaml({ signed: 'assertion' }, async (stage) => {
      await expectAccepted(stage, { 'the deepest': levels(98) });
      await expectRefused(
        stage,
        { 'a level more': levels(99), 'twenty thousand': levels(20_000) },
        assertion,
      );
    }));

  it('SAML-33: what is too deep is no work, and is not even looked up', () =>
    onSaml({}, async (stage) => {
      const begun = await stage.begin();
      const documents = [
        '<a>'.repeat(37_000) + '</a>'.repeat(37_000),
        '<a>'.repeat(87_000),
        `${'<a b="'.repeat(40_000)}`,
        `<a ${'b="'.repeat(80_000)}`,
        '<!--'.repeat(60_000),
        '<![CDATA['.repeat(29_000),
        '<'.repeat(most),
        '</'.repeat(most / 2),
        '<?'.repeat(most / 2),
        '&'.repeat(most),
        '"'.repeat(most),
        `<a>${'&amp;'.repeat(50_000)}`,
      ];
      const usual = await refusal(stage.nodes[0]);
      for (const [at, document] of documents.entries()) {
        const since = performance.now();
        const { status, body } = await stage.post(begun, base64(document));
        expect([at, status, body]).toEqual([at, 401, usual]);
        expect([at, performance.now() - since < 300]).toEqual([at, true]);
      }
      expect(stage.nodes[1].faults.identityProviders.calls.get('listSamlByEntityId')).toBeUndefined();
    }));

  it('SAML-33: while a hundred of them come at once others are answered too', () =>
    onSaml({}, async (stage) => {
      const [node] = stage.nodes;
      const documents = [
        randomBytes(most).toString('base64'),
        base64('<a>'.repeat(87_000)),
        base64(`<a>${' '.repeat(most - 10)}`),
        base64(`<!DOCTYPE a [${'<!ENTITY a "b">'.repeat(17_000)}]>`),
        base64('<samlp:Response '.repeat(16_000)),
      ];
      const bodies = documents.map((response) =>
        JSON.stringify({ method: 'saml-response', id: null, response }),
      );
      const flood = floodFrom({ port: node.port, path: auth, bodies, count: 100 });
      let over = false;
      void flood.then(() => {
        over = true;
      });
      let others = 0;
      for (; !over; others += 1) {
        expect((await node.send({ method: 'GET', path: '/me' })).status).toBe(401);
        await sleep(5);
      }
      expect(await flood).toEqual(Array(100).fill(401));
      // How long they wait is measured where nothing else runs.
      expect(others).toBeGreaterThan(3);
    }));
});
