import type { Request } from 'express';
import { isHandedOver } from './host.js';

type Stored = (error: Error | null, state?: unknown) => void;
type Verified = (error: Error | null, ok: boolean, state?: unknown) => void;

/** The `store` of a strategy built on passport-oauth2; see {@link codeVerifierStore}. */
export interface CodeVerifierStore {
  store(request: Request, ...rest: [Stored] | [meta: unknown, Stored]): void;
  verify(request: Request, state: string, ...rest: [Verified] | [meta: unknown, Verified]): void;
}

/**
 * The `store` option for a strategy that is built on passport-oauth2 and plugged in as `oauth-auth-code`: it hands the PKCE
 * verifier (RFC 7636) of the flow to the provider. The state was verified before the strategy is asked; a request that
 * does not come from the control is refused, and such a strategy begins no flow of its own.
 *
 * @example new OAuth2Strategy({ …, store: codeVerifierStore() }, verify)
 */
export function codeVerifierStore(): CodeVerifierStore {
  return {
    store: (_request, ...rest) => callbackOf(rest)(new Error('flows are begun by session/auth/discover')),
    verify(request, state, ...rest) {
      // Under any other Passport nothing has looked at the state.
      if (!isHandedOver(request)) return callbackOf(rest)(null, false);
      const { code_verifier: verifier } = request.body;
      // A text in the place of a yes is taken for the verifier, which the types of passport-oauth2 leave out.
      callbackOf(rest)(null, (typeof verifier === 'string' ? verifier : true) as boolean, state);
    },
  };
}

/** The callback comes last, after metadata that not all strategies hand over. */
function callbackOf<Callback>(rest: [Callback] | [meta: unknown, Callback]): Callback {
  return rest.length === 1 ? rest[0] : rest[1];
}
