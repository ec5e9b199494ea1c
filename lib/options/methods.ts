import { ConfigError } from '../errors.js';
import type { PluggedProvider } from '../plugged/provider.js';
import { isMethodName, type MethodName, methods } from '../strategies/index.js';
import type { Method } from '../strategies/method.js';
import type { Plugged, PluggedStrategy } from '../strategies/plugged.js';
import { unknownOption } from './config-error.js';

/**
 * The methods that are not switched off, each with what the host has plugged in.
 *
 * @throws ConfigError for a method that does not exist, or a setting that is none
 */
export function resolveMethods(given: Record<string, unknown>): ReadonlyMap<MethodName, Plugged> {
  const known = Object.keys(methods).filter(isMethodName);
  for (const name of Object.keys(given)) {
    if (!isMethodName(name)) throw unknownOption(['methods'], name, known);
  }
  const wanted = known.filter((name) => given[name] !== false);
  if (wanted.length === 0) throw new ConfigError('methods', 'are all switched off: leave one on');
  return new Map(wanted.map((name) => [name, pluggedOf(name, given[name])]));
}

function pluggedOf(name: MethodName, setting: unknown): Plugged {
  if (setting === undefined) return null;
  const method: Method = methods[name];
  if (method.pluggable === false)
    throw new ConfigError(`methods.${name}`, 'must be false: no strategy can stand in its place');
  return method.providers === undefined
    ? oneStrategy(['methods', name], setting)
    : ofProviders(name, setting);
}

/** A strategy for each of some identity providers, by their ids. */
function ofProviders(name: MethodName, setting: unknown): Plugged {
  const path = ['methods', name];
  const given = isObject(setting) ? setting : {};
  if (!isObject(given.strategies) || Array.isArray(given.strategies)) {
    throw new ConfigError(
      path.join('.'),
      'must be false, or { strategies } with a Passport strategy for each of some identity providers',
    );
  }
  for (const key of Object.keys(given))
    if (key !== 'strategies') throw unknownOption(path, key, ['strategies']);
  const entries = Object.entries(given.strategies).map(([id, each]): [string, PluggedProvider<unknown>] => [
    id,
    oneStrategy([...path, 'strategies', id], each),
  ]);
  return { strategies: new Map(entries) };
}

/** One strategy, and what identifies by its answers. */
function oneStrategy<Setting extends PluggedStrategy & PluggedProvider<unknown>>(
  path: readonly string[],
  setting: unknown,
): Setting {
  if (!isPlugged<Setting>(setting)) {
    const or = path.length > 2 ? '' : 'false, or ';
    throw new ConfigError(path.join('.'), `must be ${or}{ strategy } with a Passport strategy`);
  }
  for (const key of Object.keys(setting)) {
    if (key !== 'strategy' && key !== 'identify') throw unknownOption(path, key, ['strategy', 'identify']);
  }
  if (setting.identify !== undefined && typeof setting.identify !== 'function') {
    throw new ConfigError(`${path.join('.')}.identify`, 'must be a function of the strategy’s user and info');
  }
  return setting;
}

function isPlugged<Setting>(setting: unknown): setting is Setting {
  if (!isObject(setting)) return false;
  const { strategy } = setting;
  return isObject(strategy) && typeof strategy.authenticate === 'function';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
