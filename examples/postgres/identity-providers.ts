import type { IdentityProvider, IdentityProviderRepository, SamlIdentityProvider } from 'passport-control';
import type { Database } from './database.js';

// What every provider has is in columns of its own, and comes last: the settings cannot say otherwise.
const record = `settings || jsonb_build_object(
  'id', id, 'accountId', account_id, 'kind', kind, 'name', name, 'iconUrl', icon_url, 'enabled', enabled,
  'domains', domains, 'authoritative', authoritative, 'secondFactor', second_factor) as record`;

export function identityProviderRepository(database: Database): IdentityProviderRepository {
  const list = async <Kind extends IdentityProvider>(condition: string, value: string) => {
    const found = await database.query<{ record: Kind }>(
      `select ${record} from identity_providers where ${condition} order by name, id`,
      [value],
    );
    return found.rows.map((row) => row.record);
  };
  return {
    findById: async (idpId) => (await list('id = $1', idpId))[0] ?? null,
    listSamlByEntityId: (entityId) =>
      list<SamlIdentityProvider>(`kind = 'saml' and settings ->> 'entityId' = $1`, entityId),
    listForEmail: (email) =>
      list('enabled and domains @> array[$1::text]', email.slice(email.lastIndexOf('@') + 1)),
    listForAccount: (accountId) => list('enabled and account_id = $1', accountId),
  };
}
