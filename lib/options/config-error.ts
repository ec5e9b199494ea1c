import { z } from 'zod';
import { ConfigError } from '../errors.js';

/** The error for the first thing that `schema` found wrong with a value; `root` is what the value is called. */
export function configError(schema: z.ZodType, error: z.ZodError, root?: string): ConfigError {
  const [issue] = error.issues;
  if (issue === undefined) return new ConfigError(root ?? 'options', 'has a value that is not allowed');
  const found = mostSpecific(issue, []);
  const path = [...(root === undefined ? [] : [root]), ...found.path.map(String)];
  if (found.issue.code === 'unrecognized_keys') {
    return unknownOption(path, found.issue.keys[0] ?? '', namesAt(schema, found.path.map(String)));
  }
  const detail = found.issue.message.startsWith('Invalid input')
    ? inOurWords(found.issue)
    : found.issue.message;
  return new ConfigError(path.join('.') || 'options', detail);
}

/** The error for an option that does not exist, with the one of these names that was probably meant. */
export function unknownOption(path: readonly string[], name: string, known: readonly string[]): ConfigError {
  const meant = nearest(name, known);
  const hint = meant === undefined ? '' : `. Did you mean ${meant}?`;
  return new ConfigError([...path, name].join('.'), `is not an option${hint}`);
}

/** The options that a schema knows at a path. */
function namesAt(schema: unknown, [step, ...rest]: readonly string[]): string[] {
  if (schema instanceof z.ZodOptional)
    return namesAt(schema.unwrap(), step === undefined ? [] : [step, ...rest]);
  if (schema instanceof z.ZodUnion) {
    return schema.options.flatMap((option) => namesAt(option, step === undefined ? [] : [step, ...rest]));
  }
  if (!(schema instanceof z.ZodObject)) return [];
  return step === undefined ? Object.keys(schema.shape) : namesAt(schema.shape[step], rest);
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
