import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { onHostCore } from './serving.js';

/** A script that measures when it is asked. */
export interface Asked {
  /** @throws Error when the script ends, or answers nothing that can be measured */
  measure(seconds: number): Promise<number>;
  end(): void;
}

/** Starts a script that is set up once, and stays until it is ended. */
export function asking(script: string, args: readonly string[]): Asked {
  const child = onHostCore(script, args);
  const said = [script, ...args].join(' ');
  const ready = answerOf(child, said);
  // Whoever asks hears of it.
  ready.catch(() => {});
  return {
    async measure(seconds) {
      await ready;
      const answer = answerOf(child, said);
      child.send(seconds);
      const value = Number(await answer);
      if (!Number.isFinite(value) || value <= 0) throw new Error(`${said} said "${value}"`);
      return value;
    },
    end: () => void child.kill(),
  };
}

/** The next message of a child. */
async function answerOf(child: ChildProcess, said: string): Promise<unknown> {
  const [answer] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${said} ended with ${code}`);
    }),
  ]);
  return answer;
}
