/** What is there at once, or comes later. */
export type Awaitable<T> = T | Promise<T>;

/** The same methods, each of which answers with a promise. */
export type Asynchronous<T> = {
  [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : T[Name];
};

/**
 * Goes on when a value is there: now, if it is. What every request does goes on like this from step to step, so that a
 * request waits only for what really takes time: an `async` function costs as much as what it does, when that is little.
 */
export function whenThere<T, Next>(
  value: Awaitable<T>,
  next: (value: T) => Awaitable<Next>,
): Awaitable<Next> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** All values, when they are there: now, if they are. */
export function allThere<T extends readonly unknown[]>(
  values: readonly [...{ [Index in keyof T]: Awaitable<T[Index]> }],
): Awaitable<T> {
  for (const value of values)
    if (value instanceof Promise) return Promise.all(values) as Promise<unknown> as Promise<T>;
  return values as unknown as T;
}
