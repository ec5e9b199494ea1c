// Loaded into a node before anything else: tells whoever started it how much memory it holds when there is no garbage.
process.on('message', (message) => {
  if (message !== 'measure') return;
  for (let times = 0; times < 4; times += 1) globalThis.gc();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  process.send({ heapUsed, arrayBuffers, external });
});
