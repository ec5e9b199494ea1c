import assert from 'node:assert/strict';
import type { IdentityProvider, IdentityProviderRepository } from '../repositories/index.js';
import { type ContractCase, casesOf } from './contract-case.js';
import { idpRecord, samlRecord } from './records.js';

const shared = 'https://idp.example/metadata';
const [oauth, saml, otherTenant] = [idpRecord(1), samlRecord(2, shared), samlRecord(3, shared)];

const idsOf = (idps: readonly IdentityProvider[]) => idps.map(({ id }) => id).sort();

/** What an {@link IdentityProviderRepository} must do. `create` makes one that holds exactly these providers. */
export function identityProviderRepositoryContract(
  create: (seed: {
    identityProviders: readonly IdentityProvider[];
  }) => IdentityProviderRepository | Promise<IdentityProviderRepository>,
): ContractCase[] {
  return casesOf(() => create({ identityProviders: [oauth, saml, otherTenant] }), {
    async 'finds a provider by id, and answers null for an unknown one'(idps) {
      assert.equal((await idps.findById(oauth.id))?.name, oauth.name);
      for (const id of ['unknown', '__proto__', '']) assert.equal(await idps.findById(id), null);
    },
    async 'lists all tenants of one SAML entity id'(idps) {
      assert.deepEqual(idsOf(await idps.listSamlByEntityId(shared)), idsOf([saml, otherTenant]));
      assert.deepEqual(await idps.listSamlByEntityId('https://other.example'), []);
    },
    async 'lists the providers of the domain of an address, and of no domain like it'(idps) {
      assert.deepEqual(idsOf(await idps.listForEmail('a@tenant1.example')), [oauth.id]);
      for (const domain of [
        'sub.tenant1.example',
        'evil-tenant1.example',
        'tenant1.example.evil',
        'example',
      ]) {
        assert.deepEqual(await idps.listForEmail(`a@${domain}`), []);
      }
    },
    async 'lists the providers of an account'(idps) {
      assert.deepEqual(idsOf(await idps.listForAccount(saml.accountId)), [saml.id]);
    },
  });
}
