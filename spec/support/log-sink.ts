/** What was written to the console and to stdout and stderr while the sink was open. */
export interface LogSink {
  text(): string;
  close(): void;
}

/** Listens to all output of this process, and lets it through. */
export function logSink(): LogSink {
  const lines: string[] = [];
  let open = true;
  const listen = <T extends object, K extends keyof T>(target: T, name: K) => {
    const original = target[name];
    if (typeof original !== 'function') return;
    const listening = (...parameters: unknown[]) => {
      if (open) lines.push(parameters.map(String).join(' '));
      return Reflect.apply(original, target, parameters);
    };
    target[name] = listening as T[K];
  };
  listen(process.stdout, 'write');
  listen(process.stderr, 'write');
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) listen(console, name);
  return {
    text: () => lines.join('\n'),
    close() {
      open = false;
    },
  };
}
