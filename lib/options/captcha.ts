import type { Captcha, CaptchaSource } from '../defence/captcha.js';
import { ConfigError } from '../errors.js';
import type { CaptchaOptions } from './public.js';

const endpoints = {
  recaptcha: 'https://www.google.com/recaptcha/api/siteverify',
  hcaptcha: 'https://api.hcaptcha.com/siteverify',
  turnstile: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
} as const;

/** The score from which Google takes somebody for a human, where nothing else is said. */
const usualScore = 0.5;

/**
 * Completes the settings of `captcha`.
 *
 * @throws ConfigError for what is missing, and for what the provider does not know
 */
export function captchaOf(given: CaptchaOptions | Captcha, origins: readonly string[]): CaptchaSource {
  if ('verify' in given) return { own: given };
  const { provider, secretKey, action, minScore, sendAddress = false } = given;
  const hostnames = given.hostnames ?? origins.map((origin) => new URL(origin).hostname);
  if (hostnames.length === 0)
    throw new ConfigError('captcha.hostnames', 'is required without relyingParty.origins');
  if (action !== undefined && provider === 'hcaptcha')
    throw new ConfigError('captcha.action', 'is unknown to hcaptcha');
  if (minScore !== undefined && provider !== 'recaptcha')
    throw new ConfigError('captcha.minScore', 'is for recaptcha alone');
  const url = given.endpoint ?? endpoints[provider];
  if (!isEndpoint(url)) throw new ConfigError('captcha.endpoint', 'must be an https URL');
  return {
    siteverify: {
      ...{ url, secretKey, sendAddress, action: action ?? null },
      hostnames: hostnames.map((each) => each.toLowerCase()),
      score:
        provider === 'recaptcha' ? { least: minScore ?? usualScore, required: minScore !== undefined } : null,
    },
  };
}

/** The secret key goes there, so it travels by TLS alone; http is for doubles on this machine. */
function isEndpoint(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '');
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal);
}
