import type { Audit } from '../defence/audit.js';
import type { GuessLimits } from '../defence/guesses.js';
import { type PasswordDependencies, verifyPasswordOf } from '../defence/user-password.js';
import { AuthError } from '../errors.js';
import type { SecondFactor } from '../second-factor/index.js';
import { configurationRequest, parseBody } from '../wire/schemas.js';
import { sendJson } from '../wire/send-json.js';
import { type AdmittedWork, guessAt, userOf } from './admitted.js';
import { clientOf } from './client.js';

/** What unlocking the configuration of the second factor is made from. */
export interface UnlockDependencies {
  configuration: SecondFactor['configuration'];
  unlock: SecondFactor['unlock'];
  unlockByRecoveryCode: SecondFactor['unlockByRecoveryCode'];
  password: PasswordDependencies;
  limits: GuessLimits;
  audit: Audit;
}

/**
 * `POST session/config_2fa/auth`: the password of the session's own user unlocks the configuration for ten minutes.
 * Wrong ones count in the same lock as those of sign-ins. A user who has no password proves a device instead, over the
 * challenge that new_challenge gave, or uses up a recovery code; who has no device either must have signed in just now.
 */
export function config2faAuth({
  configuration,
  unlock,
  unlockByRecoveryCode,
  password: dependencies,
  limits,
  audit,
}: UnlockDependencies): AdmittedWork {
  return async (request, response, session, body) => {
    const { password, assertion, recovery_code: code } = parseBody(configurationRequest, body);
    const user = userOf(session);
    const client = clientOf(request);
    const told = { session: session.key, entityId: user.id, ...client };

    const byPassword = async (given: string) => {
      const verdict = await verifyPasswordOf(dependencies, user, given);
      if ('reason' in verdict) {
        audit({ type: 'configuration_unlock_failed', reason: verdict.reason, ...told });
        throw new AuthError('invalid_credentials');
      }
      await configuration.unlock(session);
    };
    // Whoever has a password cannot leave it out.
    const isOther = assertion !== undefined || code !== undefined;
    if (isOther && user.passwordHash !== null) throw new AuthError('invalid_credentials');
    if (password !== undefined) {
      const guessing = limits.at(
        guessAt(user),
        client,
        () => byPassword(password),
        () => true,
      );
      await guessing.catch((error: unknown) => {
        if (error instanceof AuthError && error.code === 'locked')
          audit({ type: 'configuration_unlock_failed', reason: 'locked', ...told });
        throw error;
      });
    } else if (assertion !== undefined) await unlock(session, assertion, client);
    else if (code !== undefined) await unlockByRecoveryCode(session, code, client);
    else await configuration.unlockFresh(session, user);
    audit({ type: 'configuration_unlocked', ...told });
    sendJson(response, 200, {});
  };
}
