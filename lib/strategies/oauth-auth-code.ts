import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { FlowSecrets } from '../defence/flow.js';
import { admit, idpIdOf, openProvider } from '../federation/identity.js';
import type { OauthClient } from '../federation/oauth-client.js';
import type { OauthAnswer } from '../federation/oauth-exchange.js';
import {
  type HostVerdict,
  type HostVerifier,
  profileOfPassport,
  verdictOfHost,
} from '../plugged/provider.js';
import type { OauthIdentityProvider } from '../repositories/index.js';
import { canonicalEmail } from '../wire/email.js';
import { oauthRequest, parseBody } from '../wire/schemas.js';
import type { Method } from './method.js';
import { type FederatedStrategyOptions, fail, federatedOutcome, type Outcome, Strategy } from './strategy.js';

/**
 * A user by an authorization code in the JSON body `{ idp_id, code, email, state }`. The code must answer a request that
 * this browser has begun: its state comes in the body or is found by the flow cookie. What the code stands for is what
 * the provider's id_token or userinfo says; `email` in the body must agree with it, and decides nothing.
 */
export class OauthCodeStrategy extends Strategy {
  override readonly name = 'oauth-auth-code';

  constructor(private readonly options: FederatedStrategyOptions<OauthClient>) {
    super();
  }

  override async attempt(request: Request): Promise<Outcome> {
    const { repositories, client, flows, hosts } = this.options;
    const { idp_id: idpId, code, email, state, iss } = parseBody(oauthRequest, request.body);
    const { users } = repositories;
    const idp = await openProvider(repositories, 'oauth', idpId, this.name);
    if (idp === null || users === null) return fail('unknown_identity_provider');
    if (idp === 'policy') return fail('account_policy', null, idpId);
    const binding = this.bindingOf(request, idp, state ?? null);
    if (binding === null && idp.dangerouslyAllowUnboundCode !== true)
      return fail('not_begun_here', null, idp.id);

    const host = hosts.get(idp.id);
    const verdict =
      host === undefined
        ? await client.exchange(idp, { code, secrets: binding, iss })
        : await byHost(host, request, idp, { code, state, secrets: binding, iss });
    if ('reason' in verdict) return fail(verdict.reason, null, idp.id);
    if (email !== null && verdict.email !== null && canonicalEmail(verdict.email) !== email)
      return fail('email_not_proven', null, idp.id);
    const once = [usedCode(idp, code), ...(binding === null ? [] : [flows.used(binding.token)])];
    const claim = { ...verdict, once };
    return federatedOutcome(idp, claim, await admit(users, idp, claim, this.options.claimOnce));
  }

  /** What binds the request to this browser, or `null`. A provider that takes unbound codes was sent no challenge. */
  private bindingOf(request: Request, idp: OauthIdentityProvider, sent: string | null): FlowSecrets | null {
    const { flows, flowCookie } = this.options;
    if (idp.dangerouslyAllowUnboundCode === true) return null;
    const flow = flows.read(flowCookie.read(request));
    if (flow === null) return null;
    const [token, of, ...more] = sent === null ? [] : sent.split('.');
    const isTheirs = (of === undefined || of === stateSuffix(idp)) && more.length === 0;
    return isTheirs ? flows.open('oauth', idp.id, flow, token) : null;
  }
}

/** The verdict of a strategy of the host, which gets what it needs to exchange the code itself. */
async function byHost(
  verify: HostVerifier,
  request: Request,
  { issuer, endpoints }: OauthIdentityProvider,
  { code, state, secrets, iss }: OauthAnswer & { state?: string | null | undefined },
): Promise<HostVerdict> {
  // RFC 9207: a plain OAuth 2 server is its origin.
  const own = issuer ?? new URL(endpoints?.token ?? '').origin;
  if (typeof iss === 'string' && iss !== own) return { reason: 'not_verified' };
  const answer = await verify(request, {
    code,
    ...(typeof state === 'string' ? { state } : {}),
    ...(secrets === null ? {} : { code_verifier: secrets.verifier }),
  });
  return 'reason' in answer ? answer : verdictOfHost(answer.said);
}

/** Beside its token, a state says whose it is, for the handler that only gets the state. */
function stateSuffix({ id }: OauthIdentityProvider): string {
  return Buffer.from(id).toString('base64url');
}

/** Seconds for which a code is remembered: RFC 6749, section 4.1.2, recommends that they live for 600 at most. */
const codeLifetime = 1200;

function usedCode(idp: OauthIdentityProvider, code: string) {
  const hash = createHash('sha256')
    .update(JSON.stringify([idp.id, code]))
    .digest('base64url');
  return { key: `code:${hash}`, seconds: codeLifetime };
}

/** `oauth-auth-code` as a method of the API. */
export const oauthAuthCode: Method = {
  name: 'oauth-auth-code',
  bodyLimit: 32_768,
  isPossible: ({ repositories: { users, identityProviders } }) =>
    users !== null && users.federated !== null && identityProviders !== null,
  guess: (request) => {
    parseBody(oauthRequest, request.body);
    return null;
  },
  fields: (request) => parseBody(oauthRequest, request.body),
  providers: {
    kind: 'oauth',
    identify: profileOfPassport,
    async offer({ oauth, flows }, idp, flow) {
      if (idp.kind !== 'oauth') return null;
      const { name, iconUrl, clientId, redirectUri, authParams } = idp;
      const begun = flows.open('oauth', idp.id, flow);
      if (begun === null) return null;
      const state = `${begun.token}.${stateSuffix(idp)}`;
      const secrets = idp.dangerouslyAllowUnboundCode === true ? null : begun;
      const url = await oauth.authorizationUrl(idp, { state, secrets });
      const { prompt, display, max_age } = authParams ?? {};
      return {
        ...{ method: 'oauth-auth-code-grant', name, icon_url: iconUrl, idp_id: idpIdOf(idp) },
        ...{ authorization_url: url.href, client_id: clientId, redirect_uri: redirectUri, state },
        auth_params: {
          ...(prompt === undefined ? {} : { prompt: [...prompt] }),
          ...(display === undefined ? {} : { display }),
          ...(max_age === undefined ? {} : { max_age }),
        },
      };
    },
  },
  strategy: ({ repositories, oauth, flows, flowCookie, claimOnce }, hosts) =>
    new OauthCodeStrategy({ repositories, client: oauth, flows, flowCookie, claimOnce, hosts }),
};
