import type { Request, RequestHandler } from 'express';
import type { Audit } from '../defence/audit.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { GuessLimits } from '../defence/guesses.js';
import { AuthError } from '../errors.js';
import { type ReturnDependencies, returnSignedIn, targetOf } from './browser-return.js';
import { clientOf } from './client.js';

/** What the callback of authorization servers is made from. */
export interface OauthCallbackDependencies extends ReturnDependencies {
  repositories: Pick<GuardedRepositories, 'identityProviders'>;
  limits: GuessLimits;
  audit: Audit;
}

const method = 'oauth-auth-code';

/**
 * The handler for `redirect_uri`: the browser comes back with a code and the state that says where it was begun. It ends
 * in a Cookie session and a redirect; nothing is said on the page of a failure but its code. A browser that comes back
 * to the address of another provider, or names another issuer (RFC 9207), was sent there by somebody else.
 */
export function oauthCallback(
  dependencies: OauthCallbackDependencies,
  targets: readonly string[],
): RequestHandler {
  const { limits, repositories, audit, serve } = dependencies;

  const arrived = async (request: Request, idpId: string): Promise<boolean> => {
    const idp = await repositories.identityProviders?.findById(idpId);
    if (idp?.kind !== 'oauth') return false;
    const path = request.originalUrl.split('?')[0] ?? '';
    // A proxy may have taken the beginning of the path away, and never its end.
    return URL.canParse(idp.redirectUri) && new URL(idp.redirectUri).pathname.endsWith(path);
  };

  return serve('oauthCallback()', async (request, response) => {
    if (request.method !== 'GET') throw new AuthError('method_not_allowed', { headers: { Allow: 'GET' } });
    const client = clientOf(request);
    await limits.check(client);
    const { code, state, iss } = request.query;
    const target = targetOf(targets, undefined);
    const [, suffix = ''] = typeof state === 'string' ? state.split('.') : [];
    const id = Buffer.from(suffix, 'base64url');
    // A refusal of the provider, such as error=access_denied, comes without a code.
    const isAnswer =
      typeof code === 'string' && typeof state === 'string' && /^[\x20-\x7e]{1,4096}$/.test(code);
    if (!isAnswer || state.length > 4096 || id.length === 0 || !(await arrived(request, id.toString()))) {
      const reason = isAnswer ? 'not_begun_here' : 'refused_by_provider';
      const unknown = { idpId: null, identifier: null, entityId: null };
      audit({ type: 'sign_in_failed', method, reason, ...unknown, ...client });
      response.redirect(303, `${target}#error=invalid_credentials`);
      return;
    }
    const came = typeof iss === 'string' ? iss : null;
    const body = { method, idp_id: id.toString('base64'), code, state, email: '', iss: came };
    await returnSignedIn(dependencies, request, response, { method, body, target });
  });
}
