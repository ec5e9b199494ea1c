import type { RequestHandler } from 'express';
import { AuthError } from '../errors.js';
import { handler, type Work } from './handler.js';

/** Makes the handlers of a control, so that it can be closed when the last request has been answered; see {@link draining}. */
export interface Draining {
  /** Makes a handler as {@link handler} does, whose requests are counted, and refused from the end on. */
  serve(operation: string, work: Work): RequestHandler;
  /** Takes no more requests, and resolves when those that are under way have been answered. */
  end(): Promise<void>;
}

/**
 * Makes the maker of handlers. Whoever comes after the end is told 503, and to find another connection: what stands behind may be
 * gone.
 */
export function draining(): Draining {
  let [underWay, isOver] = [0, false];
  const waiting: (() => void)[] = [];
  const counted =
    (work: Work): Work =>
    async (request, response) => {
      if (isOver) throw new AuthError('unavailable', { headers: { Connection: 'close' } });
      underWay += 1;
      try {
        await work(request, response);
      } finally {
        underWay -= 1;
        if (isOver && underWay === 0) for (const done of waiting.splice(0)) done();
      }
    };
  return {
    serve: (operation, work) => handler(operation, counted(work)),
    async end() {
      isOver = true;
      if (underWay > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
