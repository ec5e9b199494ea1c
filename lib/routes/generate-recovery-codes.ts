import type { SecondFactor } from '../second-factor/index.js';
import type { RecoveryCodesResponse } from '../wire/schemas.js';
import { sendJson } from '../wire/send-json.js';
import type { AdmittedWork } from './admitted.js';
import { clientOf } from './client.js';

/** What making recovery codes needs. */
export interface RecoveryCodeDependencies {
  generateRecoveryCodes: SecondFactor['generateRecoveryCodes'];
}

/**
 * `POST users/generate_recovery_codes`: new codes in the place of all that the user has, while the configuration is unlocked.
 * They are in this answer and nowhere else.
 */
export function generateRecoveryCodes({
  generateRecoveryCodes: generate,
}: RecoveryCodeDependencies): AdmittedWork {
  return async (request, response, session) => {
    const codes: RecoveryCodesResponse = {
      recovery_codes: await generate(session, clientOf(request)),
    };
    sendJson(response, 200, codes);
  };
}
