import type { Audit } from '../defence/audit.js';
import type { GuessLimits } from '../defence/guesses.js';
import { type PasswordDependencies, verifyPasswordOf } from '../defence/user-password.js';
import { AuthError } from '../errors.js';
import type { Enrolment } from '../second-factor/enrolment.js';
import type { BodyReader } from '../wire/body.js';
import { canonicalEmail } from '../wire/email.js';
import { configurationRequest, parseBody } from '../wire/schemas.js';
import { addressOf } from './address.js';
import { type AdmittedWork, userOf } from './admitted.js';

/** What unlocking the configuration of the second factor is made from. */
export interface UnlockDependencies {
  enrolment: Enrolment;
  password: PasswordDependencies;
  limits: GuessLimits;
  readBody: BodyReader;
  audit: Audit;
}

/**
 * `POST session/config_2fa/auth`: the password of the session's own user unlocks the configuration for ten minutes.
 * Wrong ones count in the same lock as those of sign-ins.
 */
export function config2faAuth({
  enrolment,
  password: dependencies,
  limits,
  readBody,
  audit,
}: UnlockDependencies): AdmittedWork {
  return async (request, response, session) => {
    const { password } = parseBody(configurationRequest, await readBody(request, response));
    const user = userOf(session);
    const address = addressOf(request);
    const told = { session: session.key, entityId: user.id, address };

    const unlock = async () => {
      const verdict = await verifyPasswordOf(dependencies, user, password);
      if ('reason' in verdict) {
        audit({ type: 'configuration_unlock_failed', reason: verdict.reason, ...told });
        throw new AuthError('invalid_credentials');
      }
      await enrolment.unlock(session);
    };
    const guess = { email: canonicalEmail(user.email) ?? user.id };
    await limits.at(guess, address, unlock, () => true);
    audit({ type: 'configuration_unlocked', ...told });
    response.status(200).json({});
  };
}
