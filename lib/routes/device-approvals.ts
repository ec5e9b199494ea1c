import type { Request } from 'express';
import type { ApprovalChallenge, Approvals, DeviceName } from '../second-factor/approvals.js';
import type { Gate } from '../sessions/gate.js';
import { parseBody } from '../wire/schemas.js';
import { approval } from '../wire/webauthn.js';
import { clientOf } from './client.js';

/** What is approved. */
export interface ApprovalOptions {
  /**
   * The operation in words of the host's own, with all that it depends on, such as `pay 100 EUR to DE02…`: made from what the
   * request asks for at both calls, it ties the answer to that. Without options the answer approves whatever comes with it.
   */
  operation: string;
}

/** Has a user approve an operation by a security key, in the session that there is; `control.devices`. */
export interface DeviceApprovals {
  /**
   * Gives the user of an active session a challenge; send it to the browser as JSON.
   *
   * @throws AuthError as `requireSession({ principal: 'user' })` does, and `no_device` for a user without one
   */
  challenge(request: Request, options?: ApprovalOptions): Promise<ApprovalChallenge>;
  /**
   * Verifies an answer: the assertion as `credential.toJSON()` makes it, with the `challenge_token`. It is good once.
   *
   * @returns the device that has answered
   * @throws AuthError as `challenge` does; `malformed_request`, `invalid_credentials`, and `locked` after too many failures
   */
  verify(request: Request, answer: unknown, options?: ApprovalOptions): Promise<DeviceName>;
}

/** Makes `control.devices`. */
export function deviceApprovals(gate: Gate, approvals: Approvals | null): DeviceApprovals {
  const made = () => {
    if (approvals !== null) return approvals;
    throw new TypeError(
      'passport-control: devices: the second factor is off, so there is nothing to approve by',
    );
  };
  const user = { states: ['active'], principal: 'user' } as const;
  return {
    async challenge(request, options) {
      const { challenge } = made();
      const operation = operationOf(options);
      return challenge(await gate.admit(request, user), operation);
    },
    async verify(request, answer, options) {
      const { verify } = made();
      const operation = operationOf(options);
      const session = await gate.admit(request, user);
      const { challenge_token: token, ...assertion } = parseBody(approval, answer);
      return verify(session, { assertion, token, operation, client: clientOf(request) });
    },
  };
}

/** What is approved. A word that is misspelt, or a value that is none, would have the answer approve anything. */
function operationOf(options: ApprovalOptions | undefined): string | undefined {
  if (options === undefined) return undefined;
  const [[name, operation] = [], ...more] = Object.entries(options);
  if (name === 'operation' && typeof operation === 'string' && operation !== '' && more.length === 0)
    return operation;
  throw new TypeError('passport-control: devices: the only option is operation, which is a text');
}
