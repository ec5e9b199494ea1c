import type { Request } from 'express';
import type { GuessLimits } from '../defence/guesses.js';
import { AuthError } from '../errors.js';
import type { SameOriginCheck } from '../sessions/same-origin.js';
import { isMethodName, type MethodName } from '../strategies/index.js';
import type { Method } from '../strategies/method.js';
import { authorizationHeader, isBasic } from '../wire/authorization.js';
import type { BodyReader } from '../wire/body.js';
import { authRequest, parseBody } from '../wire/schemas.js';
import { type AnswerDependencies, answerWithSession } from './answer.js';
import { clientOf } from './client.js';
import type { Work } from './handler.js';
import type { SignIn } from './sign-in.js';

/** What the route of sign-ins is made from. */
export interface SessionAuthDependencies extends AnswerDependencies {
  /** The methods that are in use. */
  methods: ReadonlyMap<string, Method>;
  signIn: SignIn;
  readBody: BodyReader;
  limits: GuessLimits;
  sameOrigin: SameOriginCheck;
}

/**
 * `POST session/auth`: one credential becomes one session. In the order of cost: the client address is checked, the
 * body read, the method chosen; then comes {@link SignIn}, and only a saved session is answered.
 */
export function sessionAuth(dependencies: SessionAuthDependencies): Work {
  const { limits, readBody, methods, sameOrigin, sessions, signIn } = dependencies;

  return async (request, response) => {
    const client = clientOf(request);
    await limits.check(client);
    const body = await readBody(request, response);
    request.body = body === undefined ? {} : body;
    const { method: named, token_type: carrier } = parseBody(authRequest, request.body);
    if (carrier === 'Cookie') sameOrigin(request);

    const { started, devices } = await signIn(
      request,
      client,
      chosenMethod(methods, request, named),
      carrier,
    );
    // Nobody is there to take the token any more, so it shall open nothing.
    if (request.socket.destroyed) return sessions.end(started, 'undelivered');
    answerWithSession(dependencies, request, response, started, devices);
  };
}

/** One credential a request: an Authorization header, which must be Basic, or a `method` in the body. */
function chosenMethod(
  methods: ReadonlyMap<string, Method>,
  request: Request,
  named: string | undefined,
): Method {
  const header = authorizationHeader(request);
  if (header !== undefined && named !== undefined) throw new AuthError('ambiguous_credentials');
  if (named === undefined && (header === undefined || !isBasic(header)))
    throw new AuthError('credentials_required');

  const name: string = named ?? ('basic' satisfies MethodName);
  if (named === 'basic' || !isMethodName(name)) throw new AuthError('unknown_method');
  const method = methods.get(name);
  if (method === undefined) throw new AuthError('method_not_configured');
  return method;
}
