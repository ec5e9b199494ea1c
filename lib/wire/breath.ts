/** Turns of the event loop: Node accepts one new connection in each, and small requests are done within a few. */
const turns = 24;

/** Lets everybody else go first, before a large piece of work that cannot be interrupted. */
export async function breath(): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
