import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { deployment } from './deployment.js';
import { measuring } from './measuring.js';

// How many bytes of heap one more session takes in the memory store, of so many.
const count = Number(process.argv[2]);
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
async function held(): Promise<number> {
  for (let n = 0; n < 5; n += 1) {
    gc();
    await sleep(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
measuring(async () => {
  const { control, fill } = await deployment();
  const before = await held();
  fill(count);
  const after = await held();
  if (control.ready === undefined) throw new Error('the control is gone');
  return (after - before) / count;
});
