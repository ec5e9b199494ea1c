/** What a call to a broken dependency does instead of answering. */
export type Fault = 'throw' | 'reject' | 'hang' | 'garbage' | 'undefined';

/** Breaks the operations of a dependency on command. */
export interface Faults {
  /** Breaks an operation until {@link heal}, or for the next `times` calls. */
  break(operation: string, fault: Fault, times?: number): void;
  heal(): void;
  /** How often each operation was called. */
  readonly calls: Map<string, number>;
  /** Every operation that can be broken. */
  readonly operations: readonly string[];
}

const garbage = { nonsense: true };

/**
 * Wraps a dependency whose methods are async, or, with `callbacks`, take a callback last as express-session stores
 * do. The wrapped one behaves as before until an operation is broken.
 */
export function withFaults<T extends object>(
  target: T,
  { callbacks = false } = {},
): { wrapped: T; faults: Faults } {
  const broken = new Map<string, { fault: Fault; times: number }>();
  const calls = new Map<string, number>();
  const operations = Object.keys(target).filter((key) => typeof Reflect.get(target, key) === 'function');

  const faultOf = (operation: string): Fault | null => {
    calls.set(operation, (calls.get(operation) ?? 0) + 1);
    const entry = broken.get(operation);
    if (entry === undefined || entry.times === 0) return null;
    entry.times -= 1;
    return entry.fault;
  };

  const wrapped = new Proxy(target, {
    get(_, property) {
      const value = Reflect.get(target, property);
      if (typeof value !== 'function' || typeof property !== 'string') return value;
      return (...parameters: unknown[]) => {
        const fault = faultOf(property);
        if (fault === null) return value.apply(target, parameters);
        if (fault === 'throw') throw new Error('secret-of-the-driver: broken');
        if (!callbacks) return fault === 'hang' ? new Promise(() => {}) : answer(fault);
        if (fault === 'hang') return undefined;
        const callback = parameters.at(-1) as (error?: unknown, value?: unknown) => void;
        return fault === 'reject'
          ? callback(new Error('secret-of-the-driver: broken'))
          : callback(null, garbage);
      };
    },
  });

  return {
    wrapped,
    faults: {
      break: (operation, fault, times = Number.POSITIVE_INFINITY) => broken.set(operation, { fault, times }),
      heal: () => broken.clear(),
      calls,
      operations,
    },
  };
}

async function answer(fault: Exclude<Fault, 'throw' | 'hang'>): Promise<unknown> {
  if (fault === 'reject') throw new Error('secret-of-the-driver: broken');
  return fault === 'garbage' ? garbage : undefined;
}
