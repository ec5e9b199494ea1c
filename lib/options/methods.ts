import { ConfigError } from '../errors.js';
import { isMethodName, type MethodName, methods } from '../strategies/index.js';
import type { PluggedStrategy } from '../strategies/plugged.js';
import { unknownOption } from './config-error.js';

/**
 * The methods that are not switched off, each with the strategy that the host has put in its place, or `null`.
 *
 * @throws ConfigError for a method that does not exist, or a setting that is neither `false` nor a strategy
 */
export function resolveMethods(
  given: Record<string, unknown>,
): ReadonlyMap<MethodName, PluggedStrategy | null> {
  const known = Object.keys(methods).filter(isMethodName);
  for (const name of Object.keys(given)) {
    if (!isMethodName(name)) throw unknownOption(['methods'], name, known);
  }
  const wanted = known.filter((name) => given[name] !== false);
  if (wanted.length === 0) throw new ConfigError('methods', 'are all switched off: leave one on');
  return new Map(wanted.map((name) => [name, pluggedOf(name, given[name])]));
}

function pluggedOf(name: MethodName, setting: unknown): PluggedStrategy | null {
  if (setting === undefined) return null;
  if (!isPlugged(setting)) {
    throw new ConfigError(`methods.${name}`, 'must be false, or { strategy } with a Passport strategy');
  }
  for (const key of Object.keys(setting)) {
    if (key !== 'strategy' && key !== 'identify')
      throw unknownOption(['methods', name], key, ['strategy', 'identify']);
  }
  if (setting.identify !== undefined && typeof setting.identify !== 'function') {
    throw new ConfigError(`methods.${name}.identify`, 'must be a function of the strategy’s user and info');
  }
  return setting;
}

function isPlugged(setting: unknown): setting is PluggedStrategy {
  if (typeof setting !== 'object' || setting === null || !('strategy' in setting)) return false;
  const { strategy } = setting;
  return (
    typeof strategy === 'object' &&
    strategy !== null &&
    'authenticate' in strategy &&
    typeof strategy.authenticate === 'function'
  );
}
