import type { Request } from 'express';
import type { Audit } from '../defence/audit.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { Guess, GuessLimits } from '../defence/guesses.js';
import { AuthError } from '../errors.js';
import type { Challenges } from '../second-factor/challenges.js';
import { type Owed, owedAfter } from '../second-factor/owed.js';
import type { SameOriginCheck } from '../sessions/same-origin.js';
import type { NewSession, StartedSession } from '../sessions/session-types.js';
import { isMethodName, type MethodName } from '../strategies/index.js';
import type { Method } from '../strategies/method.js';
import type { Outcome, Proof } from '../strategies/strategy.js';
import { authorizationHeader, isBasic } from '../wire/authorization.js';
import type { BodyReader } from '../wire/body.js';
import { authRequest, parseBody } from '../wire/schemas.js';
import { addressOf } from './address.js';
import { type AnswerDependencies, answerWithSession } from './answer.js';
import type { Work } from './handler.js';

/** What signing in is made from. */
export interface SessionAuthDependencies extends AnswerDependencies {
  /** Gives the challenge that a pending session has to answer; `null` where nobody has devices. */
  challenges: Challenges | null;
  /** The methods that are in use. */
  methods: ReadonlyMap<string, Method>;
  /** Runs the strategy of a method through Passport. */
  attempt: (method: string, request: Request) => Promise<Outcome>;
  readBody: BodyReader;
  repositories: GuardedRepositories;
  limits: GuessLimits;
  /** A keyed hash of what was guessed at, for the audit log. */
  identify: (guess: string) => string;
  sameOrigin: SameOriginCheck;
  audit: Audit;
}

/**
 * `POST session/auth`: one credential becomes one session. In the order of cost: the client address is checked, the
 * body read, the method chosen, a place taken within the limits of what is guessed at; only then does the strategy
 * run, and only a saved session is answered.
 */
export function sessionAuth(dependencies: SessionAuthDependencies): Work {
  const { limits, readBody, methods, sameOrigin, sessions, repositories } = dependencies;

  return async (request, response) => {
    const address = addressOf(request);
    await limits.check(address);

    const body = await readBody(request, response);
    request.body = body === undefined ? {} : body;
    const { method: named, token_type: carrier } = parseBody(authRequest, request.body);
    if (carrier === 'Cookie') sameOrigin(request);

    const method = chosenMethod(methods, request, named);
    const guess = method.guess(request);
    const signIn = async () => {
      const proof = await prove(dependencies, request, method, guess);
      const owed = await owedAfter(repositories, proof);
      const session = sessionOf(dependencies, proof, owed, method);
      return { started: await sessions.start({ carrier, ...session }), devices: owed.devices };
    };
    const isComplete = ({ started }: Awaited<ReturnType<typeof signIn>>) => started.record.state === 'active';
    const { started, devices } = await limits.at(guess, address, signIn, isComplete);
    report(dependencies, started, address);
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

/** Runs the strategy. Every refusal is the same to the client; what it was is told to the audit log. */
async function prove(
  { attempt, identify, audit }: SessionAuthDependencies,
  request: Request,
  { name }: Method,
  guess: Guess,
): Promise<Proof> {
  const outcome = await attempt(name, request);
  if (outcome.kind === 'success') return outcome.info;
  if (outcome.kind === 'error') throw outcome.error;
  const identifier = guess === null ? null : identify('email' in guess ? guess.email : guess.app);
  const { reason, entityId } = outcome;
  audit({
    type: 'sign_in_failed',
    method: name,
    reason,
    address: addressOf(request),
    identifier,
    entityId,
  });
  throw new AuthError('invalid_credentials');
}

/** The session that a proof is worth: bound to its credential, in the state that the second factor leaves it. */
function sessionOf(
  { challenges }: SessionAuthDependencies,
  proof: Proof,
  { state, devices }: Owed,
  { name }: Method,
): Omit<NewSession, 'carrier'> {
  const { principalType, principal, credentialId, identityProvider } = proof;
  return {
    principalType,
    entityId: principal.id,
    method: name,
    idpId: identityProvider?.id ?? null,
    accountId:
      proof.principalType === 'app' ? proof.principal.accountId : (identityProvider?.accountId ?? null),
    state,
    secondFactor: false,
    credentialId,
    challenge: state === 'pending' ? (challenges?.issue('sign-in', devices) ?? null) : null,
  };
}

function report({ audit }: SessionAuthDependencies, { key, record }: StartedSession, address: string): void {
  const { principalType, entityId, method, state } = record;
  audit({
    type: 'signed_in',
    principalType,
    entityId,
    method,
    state,
    address,
    session: key,
  });
}
