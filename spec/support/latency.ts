import { setTimeout as sleep } from 'node:timers/promises';

/** Wraps a store so that each call takes 5 to 20 ms, as over a network; the order of calls may change. */
export function withLatency<T extends object>(
  target: T,
  { callbacks = false, least = 5, most = 20 } = {},
): T {
  const delay = () => sleep(least + Math.random() * (most - least));
  return new Proxy(target, {
    get(_, property) {
      const value = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]) => {
        if (!callbacks) return delay().then(() => value.apply(target, parameters));
        void delay().then(() => value.apply(target, parameters));
        return undefined;
      };
    },
  });
}
