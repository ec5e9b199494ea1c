import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Audit, CaptchaRefusal } from './audit.js';
import { boundedQueue } from './bounded-queue.js';
import { boolean, type Dependency } from './dependency.js';
import type { ClaimOnce } from './once.js';
import { asking, type Fetch, PeerError } from './outbound.js';

/** Tells whether somebody has solved a captcha; a host may have its own. */
export interface Captcha {
  /**
   * Whether `response` is what the widget gave to somebody who has solved a captcha of this service just now: one that is older
   * than 15 minutes is to be refused, since for so long it is remembered here that it was used.
   *
   * @throws whatever it likes when that cannot be told: then nothing is opened
   */
  verify(response: string, context: { address: string }): Promise<boolean>;
}

/** Checks what a widget gave; `null` when it is good, which it is once. */
export type CaptchaCheck = (response: string, address: string) => Promise<CaptchaRefusal | null>;

/** Whom to ask about responses, and what they must say. */
export interface SiteverifySettings {
  url: string;
  secretKey: string;
  /** The hosts of the pages on which the widget stands. */
  hostnames: readonly string[];
  /** What the page has named as the purpose; `null`: it is not asked for. */
  action: string | null;
  /** The least score of one that has a score; where it is required, those without are refused. */
  score: { least: number; required: boolean } | null;
  /** Whether the client's address is told to the provider. */
  sendAddress: boolean;
}

/** Whose captcha it is: a provider's, or the host's own. */
export type CaptchaSource = { siteverify: SiteverifySettings } | { own: Captcha };

/** Requests that are on the way at once, and those that wait. */
const inFlight = 32;
const mostWaiting = 128;
/** Seconds for which a response is remembered; those who give them forget them after five minutes at most. */
const remembered = 900;

/** What siteverify answers: reCAPTCHA, hCaptcha and Turnstile alike. */
const siteverifyAnswer = z.object({
  success: z.boolean(),
  hostname: z.string().optional(),
  action: z.string().optional(),
  score: z.number().optional(),
  'error-codes': z.array(z.string()).optional(),
});

/** By these a provider says that it does not know this service. */
const ofConfiguration = ['missing-input-secret', 'invalid-input-secret'];
/** By this one it says that it could not look. */
const ofItself = 'internal-error';

/** Makes the check by siteverify, over a fetch for peers that are not trusted. */
function siteverify(settings: SiteverifySettings, fetch: Fetch, audit: Audit): CaptchaCheck {
  const inTurn = boundedQueue(inFlight, mostWaiting);
  const ask = async (response: string, address: string) => {
    const form = new URLSearchParams({ secret: settings.secretKey, response });
    if (settings.sendAddress) form.set('remoteip', address);
    const answer = await fetch(settings.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    if (answer.status === 429 || answer.status >= 500) throw new PeerError('unreachable');
    const { success, data } = siteverifyAnswer.safeParse(await answer.json().catch(() => null));
    if (!success || (data.success && answer.status !== 200)) throw new PeerError('nonsense');
    const codes = data['error-codes'] ?? [];
    if (!data.success && codes.some((code) => ofConfiguration.includes(code)))
      throw new PeerError('client_refused');
    if (!data.success && codes.includes(ofItself)) throw new PeerError('unreachable');
    return refusalOf(settings, data);
  };
  return (response, address) => inTurn(() => asking(settings.url, audit, () => ask(response, address)));
}

function refusalOf(
  { hostnames, action, score }: SiteverifySettings,
  answer: z.output<typeof siteverifyAnswer>,
): CaptchaRefusal | null {
  if (!answer.success) return 'not_solved';
  if (!hostnames.includes(answer.hostname?.toLowerCase() ?? '')) return 'other_hostname';
  if (action !== null && answer.action !== action) return 'other_action';
  if (score === null) return null;
  if (answer.score === undefined) return score.required ? 'low_score' : null;
  return answer.score >= score.least ? null : 'low_score';
}

/** Makes the check by a host's own captcha, behind the guard. */
function hostCaptcha(captcha: Captcha, dependency: Dependency): CaptchaCheck {
  return async (response, address) => {
    const isSolved = await dependency('captcha.verify', () => captcha.verify(response, { address }), boolean);
    return isSolved ? null : 'not_solved';
  };
}

/** Has each response be good once over all nodes, whatever its provider says of the second time. */
function goodOnce(check: CaptchaCheck, claimOnce: ClaimOnce): CaptchaCheck {
  return async (response, address) => {
    const refusal = await check(response, address);
    if (refusal !== null) return refusal;
    const key = `captcha:${createHash('sha256').update(response).digest('base64url')}`;
    return (await claimOnce([{ key, seconds: remembered }])) === null ? 'replayed' : null;
  };
}

/** Makes the check of a captcha. */
export function captchaCheck(
  captcha: CaptchaSource,
  { peers, dependency, once, audit }: { peers: Fetch; dependency: Dependency; once: ClaimOnce; audit: Audit },
): CaptchaCheck {
  const check =
    'own' in captcha ? hostCaptcha(captcha.own, dependency) : siteverify(captcha.siteverify, peers, audit);
  return goodOnce(check, once);
}
