import type { Request } from 'express';
import type { Audit, Client, FailureReason } from '../defence/audit.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { Guess, GuessLimits } from '../defence/guesses.js';
import { AuthError } from '../errors.js';
import type { MfaDevice } from '../repositories/index.js';
import type { Challenges } from '../second-factor/challenges.js';
import { type Owed, owedAfter } from '../second-factor/owed.js';
import type { NewSession, StartedSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Method } from '../strategies/method.js';
import type { Outcome, Proof } from '../strategies/strategy.js';
import type { TokenType } from '../wire/schemas.js';

/** What signing in is made from. */
export interface SignInDependencies {
  sessions: Sessions;
  /** Gives the challenge that a pending session has to answer; `null` where nobody has devices. */
  challenges: Challenges | null;
  /** Runs the strategy of a method through Passport. */
  attempt: (method: string, request: Request) => Promise<Outcome>;
  repositories: GuardedRepositories;
  limits: GuessLimits;
  /** A keyed hash of what was guessed at, for the audit log. */
  identify: (guess: string) => string;
  audit: Audit;
}

/** A session that was saved, and the devices by which its second factor may be paid. */
export interface SignedIn {
  started: StartedSession;
  devices: readonly MfaDevice[];
}

/** Makes one credential into one session; see {@link signIn}. */
export type SignIn = (
  request: Request,
  client: Client,
  method: Method,
  carrier: TokenType,
) => Promise<SignedIn>;

/**
 * Makes the way from a credential to a session: a place is taken within the limits of what is guessed at, the strategy
 * run, what is owed looked up, and the session saved; when it cannot be, what was used up is good again.
 */
export function signIn(dependencies: SignInDependencies): SignIn {
  const { limits, sessions, repositories } = dependencies;

  return async (request, client, method, carrier) => {
    const guess = method.guess(request);
    const start = async (): Promise<SignedIn> => {
      const proof = await prove(dependencies, request, client, method, guess);
      try {
        const owed = await owedAfter(repositories, proof);
        const session = sessionOf(dependencies, proof, owed, method);
        const started = await sessions.start({ carrier, ...session });
        // Whoever has enrolled a first device meanwhile ended the sessions that there were, and this one was none yet.
        if (owed.state === 'active' && (await owedAfter(repositories, proof)).state !== 'active') {
          await sessions.end(started, 'second_factor_changed');
          throw new AuthError('unavailable');
        }
        return { started, devices: owed.devices };
      } catch (error) {
        await proof.giveBack?.();
        throw error;
      }
    };
    const isComplete = ({ started }: SignedIn) => started.record.state === 'active';
    const signedIn = await limits.at(guess, client, start, isComplete).catch((error: unknown) => {
      if (error instanceof AuthError && error.code === 'locked')
        tellFailure(dependencies, client, method, guess, { reason: 'locked' });
      throw error;
    });
    report(dependencies, signedIn.started, client);
    return signedIn;
  };
}

/** Runs the strategy. Every refusal is the same to the client; what it was is told to the audit log. */
async function prove(
  dependencies: SignInDependencies,
  request: Request,
  client: Client,
  method: Method,
  guess: Guess,
): Promise<Proof> {
  const outcome = await dependencies.attempt(method.name, request);
  if (outcome.kind === 'success') return outcome.info;
  if (outcome.kind === 'error') throw outcome.error;
  tellFailure(dependencies, client, method, guess, outcome);
  throw new AuthError('invalid_credentials');
}

function tellFailure(
  { identify, audit }: SignInDependencies,
  client: Client,
  { name: method }: Method,
  guess: Guess,
  {
    reason,
    entityId = null,
    idpId = null,
  }: { reason: FailureReason; entityId?: string | null; idpId?: string | null },
): void {
  const identifier = guess === null ? null : identify('email' in guess ? guess.email : guess.app);
  audit({ type: 'sign_in_failed', method, reason, idpId, identifier, entityId, ...client });
}

/** The session that a proof is worth: bound to its credential, in the state that the second factor leaves it. */
function sessionOf(
  { challenges }: SignInDependencies,
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
    notAfter: proof.endsAt ?? null,
    challenge: state === 'pending' ? (challenges?.issue('sign-in', devices) ?? null) : null,
  };
}

function report({ audit }: SignInDependencies, { key, record }: StartedSession, client: Client): void {
  const { principalType, entityId, method, idpId, state } = record;
  audit({ type: 'signed_in', principalType, entityId, method, idpId, state, session: key, ...client });
}
