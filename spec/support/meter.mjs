import { setTimeout as sleep } from 'node:timers/promises';

// Loaded into a node before anything else: tells whoever started it how much memory it holds when there is no garbage.
process.on('message', async (message) => {
  if (message !== 'measure') return;
  // What is held weakly goes in a later turn than what held it.
  for (let times = 0; times < 10; times += 1) {
    globalThis.gc();
    await sleep(20);
  }
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  process.send({ heapUsed, arrayBuffers, external });
});
