import { ConfigError } from '../errors.js';
import type { ReturnOptions } from '../routes/browser-return.js';

/**
 * The pages that browsers may be sent on to: paths of this host, and addresses of listed origins. Nothing else, whoever
 * asks for it: a redirect that goes anywhere is a gift to whoever phishes.
 *
 * @param root what the option is called
 * @throws ConfigError
 */
export function checkReturnTargets(
  options: ReturnOptions,
  origins: readonly string[],
  root: string,
): readonly string[] {
  const { redirectTo, ...unknown } = options ?? {};
  const [name] = Object.keys(unknown);
  if (name !== undefined)
    throw new ConfigError(`${root}.${name}`, 'is not an option. Did you mean redirectTo?');
  const given: unknown = typeof redirectTo === 'string' ? [redirectTo] : redirectTo;
  const targets: readonly string[] = Array.isArray(given) ? given : [];
  if (targets.length === 0) throw new ConfigError(`${root}.redirectTo`, 'is required: the page to go on to');
  for (const [index, target] of targets.entries()) {
    const path = `${root}.redirectTo${typeof redirectTo === 'string' ? '' : `.${index}`}`;
    const isPath = typeof target === 'string' && /^\/(?![/\\])[\x21-\x7e]*$/.test(target);
    const isListed = typeof target === 'string' && isAddressOf(target, origins);
    if (!isPath && !isListed) {
      throw new ConfigError(
        path,
        'must be a path of this host, or an address of an origin in relyingParty.origins',
      );
    }
    if (target.includes('#'))
      throw new ConfigError(path, 'must not have a fragment: what is told is put there');
  }
  return targets;
}

/** Whether this is an address of a listed origin, spelt as it is sent: no spaces or controls, no user name. */
function isAddressOf(target: string, origins: readonly string[]): boolean {
  if (!/^[\x21-\x7e]+$/.test(target) || !URL.canParse(target)) return false;
  const { origin, username, password } = new URL(target);
  return origins.includes(origin) && username === '' && password === '';
}
