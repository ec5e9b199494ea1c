import type { Request, Response } from 'express';
import type { GuessLimits } from '../defence/guesses.js';
import type { SecondFactor } from '../second-factor/index.js';
import type { SessionCookie } from '../sessions/cookie.js';
import type { Admission } from '../sessions/gate.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import { guessAt, userOf } from './admitted.js';

/** What completing a second factor is made from. */
export interface CompletionDependencies {
  complete: SecondFactor['complete'];
  completeByU2f: SecondFactor['completeByU2f'];
  recover: SecondFactor['recover'];
  limits: GuessLimits;
  sessions: Sessions;
  cookie: SessionCookie;
}

/** Answers with a session whose second factor was completed, by whatever factor: 204, and the cookie where there is a new one. */
export async function answerCompleted(
  { limits, sessions, cookie }: CompletionDependencies,
  request: Request,
  response: Response,
  pending: Admission,
  { token, ...completed }: StoredSession & { token?: string },
): Promise<void> {
  // The sign-in is complete only now, and with it what was guessed wrong before is settled.
  await limits.settle(guessAt(userOf(pending)));
  // Nobody is there to take the new cookie any more, so it shall open nothing.
  if (token !== undefined && request.socket.destroyed) return sessions.end(completed, 'undelivered');
  if (token !== undefined)
    cookie.set(request, response, token, sessions.secondsUntil(completed.record.absoluteAt));
  response.status(204).end();
}
