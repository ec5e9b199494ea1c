import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Deadline } from '../../lib/defence/deadline.js';

describe('a deadline', () => {
  it('tells each call when its own time is up, in the order in which they began', async () => {
    const deadline = new Deadline(60);
    const told: [string, number][] = [];
    const since = performance.now();
    const watch = (name: string) => deadline.watch(() => told.push([name, performance.now() - since]));
    watch('first');
    await sleep(30);
    watch('second');
    watch('third');
    await sleep(120);
    expect(told.map(([name]) => name)).toEqual(['first', 'second', 'third']);
    const [first = 0, second = 0] = told.map(([, after]) => after);
    expect(first).toBeGreaterThanOrEqual(59);
    expect(second).toBeGreaterThanOrEqual(89);
  });

  it('tells nothing to what was answered, and says whether that was in time', async () => {
    const deadline = new Deadline(20);
    const told: string[] = [];
    const answered = deadline.watch(() => told.push('answered'));
    const late = deadline.watch(() => told.push('late'));
    expect(deadline.forget(answered)).toBe(true);
    await sleep(50);
    expect(told).toEqual(['late']);
    expect(deadline.forget(late)).toBe(false);
    expect(deadline.forget(answered)).toBe(false);
  });

  it('goes on after a time in which nobody waited', async () => {
    const deadline = new Deadline(20);
    deadline.forget(deadline.watch(() => {}));
    await sleep(50);
    let told = false;
    deadline.watch(() => {
      told = true;
    });
    await sleep(60);
    expect(told).toBe(true);
  });

  it('watches what begins when another is told', async () => {
    const deadline = new Deadline(10);
    const told: string[] = [];
    deadline.watch(() => {
      deadline.watch(() => told.push('one that began meanwhile'));
      told.push('first');
    });
    deadline.watch(() => told.push('second'));
    for (let n = 0; n < 100 && told.length < 3; n += 1) await sleep(20);
    expect(told).toEqual(['first', 'second', 'one that began meanwhile']);
  });
});
