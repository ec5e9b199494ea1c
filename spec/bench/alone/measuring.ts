/**
 * Measures for so many seconds whenever it is asked, until whoever asks is gone: what has to be set up is set up once for all
 * rounds.
 */
export function measuring(measure: (seconds: number) => number | Promise<number>): void {
  process.once('disconnect', () => process.exit());
  if (!process.connected) process.exit();
  process.on('message', async (seconds: number) => process.send?.(await measure(seconds)));
  process.send?.('ready');
}

/** How often something can be done in a second, 32 in flight. */
export async function perSecond(seconds: number, work: () => Promise<void>): Promise<number> {
  const since = performance.now();
  const ends = since + seconds * 1000;
  let done = 0;
  const lane = async () => {
    for (; performance.now() < ends; done += 1) await work();
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  return (done * 1000) / (performance.now() - since);
}
