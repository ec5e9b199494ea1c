import assert from 'node:assert/strict';
import type { IdentityProvider, IdentityProviderRepository } from '../repositories/index.js';
import { type ContractCase, casesOf } from './contract-case.js';
import { accountRecord, idpRecord, samlRecord } from './records.js';

const shared = 'https://idp.example/metadata';
const oauth = idpRecord(1, { authoritative: false, secondFactor: 'require' });
const [saml, otherTenant] = [samlRecord(2, shared), samlRecord(3, shared)];
const [alone, second] = [
  samlRecord(4, 'https://alone.example/metadata'),
  idpRecord(5, { accountId: accountRecord(4).id }),
];

const idsOf = (idps: readonly IdentityProvider[]) => idps.map(({ id }) => id).sort();

/**
 * What an {@link IdentityProviderRepository} must do. `create` makes one that holds exactly these providers, which
 * belong to the accounts of `accountRecord(1)` to `accountRecord(4)`, should it need to know them.
 *
 * @example
 * const cases = identityProviderRepositoryContract(({ identityProviders }) => myRepositoryWith(identityProviders));
 * for (const { name, run } of cases) it(name, run);
 */
export function identityProviderRepositoryContract(
  create: (seed: {
    identityProviders: IdentityProvider[];
  }) => IdentityProviderRepository | Promise<IdentityProviderRepository>,
): ContractCase[] {
  const seed = () => ({
    identityProviders: [oauth, saml, otherTenant, alone, second].map((idp) => ({ ...idp })),
  });
  return casesOf(() => create(seed()), {
    async 'finds a provider by id, and answers null for an unknown one'(idps) {
      assert.equal((await idps.findById(oauth.id))?.name, oauth.name);
      for (const id of ['unknown', oauth.id.toUpperCase(), `${oauth.id} `, '__proto__', '']) {
        assert.equal(await idps.findById(id), null);
      }
    },
    async 'gives back all that sign-ins and sessions depend on'(idps) {
      for (const idp of [oauth, saml]) {
        assert.deepEqual(dependedOn(await idps.findById(idp.id)), dependedOn(idp));
      }
    },
    async 'lists all tenants of one SAML entity id'(idps) {
      const listed = await idps.listSamlByEntityId(shared);
      assert.deepEqual(idsOf(listed), idsOf([saml, otherTenant]));
      assert.deepEqual(
        listed.map(({ kind, entityId }) => [kind, entityId]),
        listed.map(() => ['saml', shared]),
      );
      assert.deepEqual(idsOf(await idps.listSamlByEntityId(alone.entityId)), [alone.id]);
    },
    async 'compares SAML entity ids exactly'(idps) {
      for (const like of [shared.toUpperCase(), `${shared}/`, `${shared} `, 'https://idp.example/%', '']) {
        assert.deepEqual(await idps.listSamlByEntityId(like), []);
      }
    },
    async 'lists the providers of the domain of an address, and of no domain like it'(idps) {
      assert.deepEqual(idsOf(await idps.listForEmail('a@tenant1.example')), [oauth.id]);
      for (const domain of [
        'sub.tenant1.example',
        'evil-tenant1.example',
        'tenant1.example.evil',
        'tenant_.example',
        'example',
      ]) {
        assert.deepEqual(await idps.listForEmail(`a@${domain}`), []);
      }
    },
    async 'lists the providers of an account, and an empty list for one that has none'(idps) {
      assert.deepEqual(idsOf(await idps.listForAccount(saml.accountId)), [saml.id]);
      assert.deepEqual(idsOf(await idps.listForAccount(alone.accountId)), idsOf([alone, second]));
      assert.deepEqual(await idps.listForAccount(accountRecord(99).id), []);
    },
  });
}

function dependedOn(idp: IdentityProvider | null): object | null {
  if (idp === null) return null;
  const { id, accountId, kind, enabled, domains, authoritative, secondFactor } = idp;
  return { id, accountId, kind, enabled, domains, authoritative, secondFactor };
}
