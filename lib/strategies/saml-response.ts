import type { Request } from 'express';
import type { Flow } from '../defence/flow.js';
import { admit, idpIdOf, openProvider } from '../federation/identity.js';
import type { SamlClient, SignedAssertion } from '../federation/saml-client.js';
import { assertionOfHost, assertionOfPassportSaml, type HostVerifier } from '../plugged/provider.js';
import type { SamlIdentityProvider } from '../repositories/index.js';
import { parseBody, samlRequest } from '../wire/schemas.js';
import type { Method } from './method.js';
import { type FederatedStrategyOptions, fail, federatedOutcome, type Outcome, Strategy } from './strategy.js';

/**
 * A user by a SAML response in the JSON body `{ id, response }`. It must answer a request that this browser has begun: its
 * id comes in the body, or is what the response says that it answers. Issuer and id only select the provider's
 * record; who it was is what the signed assertion says, when all of SAML core and of the Web Browser SSO profile holds.
 */
export class SamlResponseStrategy extends Strategy {
  override readonly name = 'saml-response';

  constructor(private readonly options: FederatedStrategyOptions<SamlClient>) {
    super();
  }

  override async attempt(request: Request): Promise<Outcome> {
    const { repositories, client, flows, flowCookie, hosts } = this.options;
    const { id: sent = null, response } = parseBody(samlRequest, request.body);
    const posted = await client.read(response);
    if (repositories.users === null || posted === null) return fail('not_verified');
    const { xml, envelope } = posted;

    const requestId = sent ?? envelope.inResponseTo;
    const flow = flows.read(flowCookie.read(request));
    const candidates = await this.providers(envelope.issuers[0] ?? null);
    const begun = candidates.filter((idp) => this.isBegun(idp, flow, requestId));
    const unasked = candidates.filter((idp) => idp.dangerouslyAllowUnsolicited === true);
    const [chosen, ...others] = requestId === null ? unasked : begun;
    if (chosen === undefined)
      return fail(candidates.length === 0 ? 'unknown_identity_provider' : 'not_begun_here');
    // Several tenants may share one provider, and nothing that is believed yet says whose this is.
    if (others.length > 0) return fail('not_begun_here');
    const idp = await openProvider(repositories, 'saml', chosen.id, this.name);
    if (idp === null) return fail('unknown_identity_provider');
    if (idp === 'policy') return fail('account_policy', null, chosen.id);

    const host = hosts.get(idp.id);
    const signed = host && (() => byHost(host, request, response));
    const statement = await client.verify(idp, { xml, envelope, requestId }, signed);
    if ('reason' in statement) return fail(statement.reason, null, idp.id);
    const once = [statement.once, ...(requestId === null ? [] : [flows.used(requestId)])];
    // A provider has no other word for it than the attribute; whether it counts is said by its record.
    const claim = { ...statement, emailProven: true, once };
    return federatedOutcome(idp, claim, await admit(repositories.users, idp, claim, this.options.claimOnce));
  }

  private async providers(issuer: string | null): Promise<readonly SamlIdentityProvider[]> {
    const { identityProviders } = this.options.repositories;
    if (issuer === null || issuer === '' || issuer.length > 1024 || identityProviders === null) return [];
    const found = await identityProviders.listSamlByEntityId(issuer);
    return found.filter(({ enabled }) => enabled);
  }

  private isBegun(idp: SamlIdentityProvider, flow: Flow | null, requestId: string | null): boolean {
    if (flow === null || requestId === null || !requestId.startsWith('_')) return false;
    return this.options.flows.open('saml', idp.id, flow, requestId.slice(1)) !== null;
  }
}

/** The assertion that a strategy of the host has verified. */
async function byHost(
  verify: HostVerifier,
  request: Request,
  SAMLResponse: string,
): Promise<SignedAssertion> {
  const answer = await verify(request, { SAMLResponse });
  return 'reason' in answer ? answer : assertionOfHost(answer.said);
}

/** `saml-response` as a method of the API. */
export const samlResponse: Method = {
  name: 'saml-response',
  bodyLimit: 393_216,
  isPossible: ({ repositories: { users, identityProviders }, saml }) =>
    users !== null && users.federated !== null && identityProviders !== null && saml !== null,
  guess: (request) => {
    parseBody(samlRequest, request.body);
    return null;
  },
  fields: (request) => parseBody(samlRequest, request.body),
  providers: {
    kind: 'saml',
    identify: assertionOfPassportSaml,
    async offer({ saml, flows }, idp, flow) {
      if (idp.kind !== 'saml' || saml === null) return null;
      // An XML id begins with a letter or an underscore.
      const id = `_${flows.token('saml', idp.id, flow)}`;
      return {
        ...{ method: 'saml-post', name: idp.name, icon_url: idp.iconUrl, idp_id: idpIdOf(idp), id },
        ...{ binding_url: idp.ssoUrl, authn_request: await saml.request(idp, id) },
      };
    },
  },
  strategy({ repositories, saml, flows, flowCookie, claimOnce }, hosts) {
    if (saml === null) throw new TypeError('the SAML method needs a service provider');
    return new SamlResponseStrategy({ repositories, client: saml, flows, flowCookie, claimOnce, hosts });
  },
};
