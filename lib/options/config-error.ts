import type { z } from 'zod';
import { ConfigError } from '../errors.js';

/** Every name that stands somewhere in the options, for suggestions. */
const names = [
  ...['repositories', 'secret', 'relyingParty', 'methods', 'session', 'secondFactor', 'lockout', 'throttle'],
  ...['hashing', 'stores', 'onEvent', 'dependencyTimeout', 'clock', 'randomBytes'],
  ...['users', 'apps', 'accounts', 'devices', 'identityProviders', 'id', 'name', 'origins'],
  ...[
    'store',
    'idleTimeout',
    'absoluteTimeout',
    'pendingTimeout',
    'revalidateAfter',
    'maxPerEntity',
    'cookie',
  ],
  ...['dangerouslyAllowHttpOnLocalhost', 'failures', 'window', 'duration', 'perAddress', 'perApp'],
  ...['concurrency', 'queue', 'oneTime', 'counters', 'index', 'user', 'app', 'strategy', 'identify'],
  ...['principal', 'account', 'allowApiKey'],
];

/** The error for the first thing that a schema found wrong; `root` is what the whole is called. */
export function configError(issue: z.core.$ZodIssue | undefined, root?: string): ConfigError {
  if (issue === undefined) return new ConfigError(root ?? 'options', 'has a value that is not allowed');
  const found = mostSpecific(issue, []);
  const path = [...(root === undefined ? [] : [root]), ...found.path.map(String)];
  if (found.issue.code === 'unrecognized_keys') return unknownOption(path, found.issue.keys[0] ?? '');
  const detail = found.issue.message.startsWith('Invalid input')
    ? inOurWords(found.issue)
    : found.issue.message;
  return new ConfigError(path.join('.') || 'options', detail);
}

/** The error for an option that does not exist, with the one that was probably meant. */
export function unknownOption(
  path: readonly string[],
  name: string,
  known: readonly string[] = names,
): ConfigError {
  const meant = nearest(name, known);
  const hint = meant === undefined ? '' : `. Did you mean ${meant}?`;
  return new ConfigError([...path, name].join('.'), `is not an option${hint}`);
}

interface Found {
  issue: z.core.$ZodIssue;
  path: readonly PropertyKey[];
}

/** Of a union, the branch that got furthest says most; where none got anywhere, the union's own words do. */
function mostSpecific(issue: z.core.$ZodIssue, parents: readonly PropertyKey[]): Found {
  const path = [...parents, ...issue.path];
  if (issue.code !== 'invalid_union') return { issue, path };
  const inner = issue.errors
    .flat()
    .map((each) => mostSpecific(each, path))
    .filter((each) => each.path.length > path.length || each.issue.code === 'unrecognized_keys');
  return inner[0] ?? { issue, path };
}

function inOurWords(issue: z.core.$ZodIssue): string {
  if (issue.message.endsWith('received undefined')) return 'is required';
  return issue.code === 'invalid_type'
    ? `must be of type ${issue.expected}`
    : 'has a value that is not allowed';
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((each) => ({
      each,
      distance: editDistance(name.toLowerCase(), each.toLowerCase()),
    }))
    .filter(({ each, distance }) => distance <= Math.max(2, each.length / 3))
    .sort((one, other) => one.distance - other.distance);
  return best?.each;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const substituted = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(substituted, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
