import { describe, expect, it } from '@jest/globals';
import { circuit } from '../../lib/defence/circuit.js';
import { dependencyGuard } from '../../lib/defence/dependency.js';

describe('a circuit', () => {
  /** One whose calls may take a hundred milliseconds, and a clock that is moved by hand. */
  const fresh = () => {
    const clock = { at: 0 };
    return { clock, ...circuit(100, () => clock.at) };
  };
  /** One that has opened at 100. */
  const opened = () => {
    const made = fresh();
    made.clock.at = 100;
    made.silent(-10);
    expect(made.admits()).toBe(true);
    made.silent(0);
    return made;
  };

  it('is closed at first and after what one request lost, and opens when another loses too', () => {
    const { clock, admits, silent } = fresh();
    clock.at = 100;
    for (const since of [0, 0, 5, 9.9]) silent(since);
    expect([admits(), admits()]).toEqual([true, true]);
    silent(10);
    expect(admits()).toBe(false);
  });

  it('stays closed when something else was answered meanwhile: one slow call is no silence', () => {
    const { clock, admits, answered, silent } = fresh();
    clock.at = 50;
    answered();
    clock.at = 100;
    for (let n = 0; n < 5; n += 1) silent(0);
    expect([admits(), admits()]).toEqual([true, true]);
  });

  it('lets one caller find out in each tenth of the deadline, and the others not until one knows', () => {
    const { clock, admits, silent, answered } = opened();
    clock.at = 109;
    expect(admits()).toBe(false);
    for (const at of [110, 120, 130]) {
      clock.at = at;
      expect([admits(), admits(), admits()]).toEqual([true, false, false]);
    }
    clock.at = 210;
    silent(110);
    expect(admits()).toBe(false);
    clock.at = 220;
    expect([admits(), admits()]).toEqual([true, false]);
    answered();
    expect([admits(), admits()]).toEqual([true, true]);
  });

  it('closes with an answer that comes too late', () => {
    const { clock, admits, answered } = opened();
    clock.at = 101;
    answered();
    expect([admits(), admits()]).toEqual([true, true]);
  });

  it('opens again when it falls silent again', () => {
    const { clock, admits, answered, silent } = opened();
    answered();
    clock.at = 320;
    silent(200);
    expect(admits()).toBe(true);
    silent(210);
    expect(admits()).toBe(false);
  });
});

describe('a dependency that answers nothing', () => {
  const guard = (seconds = 0.2) => {
    const told: { operation: string; kind: string }[] = [];
    const dependency = dependencyGuard(seconds, (event) => told.push(event as never));
    const ask = async (operation: string, call: () => unknown) => {
      const started = performance.now();
      const outcome = await dependency(operation, call, (answer) => answer ?? undefined).catch(
        ({ code }) => code,
      );
      return { outcome, took: performance.now() - started };
    };
    return { told, ask };
  };
  const never = () => new Promise(() => {});
  /** Lets two calls be lost, one after the other, so far apart as it takes. */
  const lose = async (ask: ReturnType<typeof guard>['ask'], operation: string, call = never) => {
    await Promise.all([
      ask(operation, never),
      new Promise((resolve) => setTimeout(resolve, 30)).then(() => ask(operation, call)),
    ]);
  };

  it('costs a request two deadlines, however often it asks', async () => {
    // The best of some rounds: a busy machine tells a deadline late.
    const took: number[] = [];
    while (took.length < 5 && Math.min(...took) >= 590) {
      const { told, ask } = guard();
      const started = performance.now();
      for (let n = 0; n < 20; n += 1)
        expect(await ask('stores.counters.get', never)).toMatchObject({ outcome: 'unavailable' });
      took.push(performance.now() - started);
      expect(told.map(({ kind }) => kind)).toEqual([
        'timed_out',
        'timed_out',
        ...Array(18).fill('circuit_open'),
      ]);
    }
    expect(Math.min(...took)).toBeLessThan(590);
  });

  it('is not asked while it is silent, and is no other dependency', async () => {
    const { ask } = guard();
    await lose(ask, 'stores.counters.get');
    let asked = 0;
    const count = async () => {
      asked += 1;
      return 'answer';
    };
    await ask('stores.counters.increment', count);
    expect(asked).toBe(0);
    expect(await ask('stores.oneTime.get', count)).toMatchObject({ outcome: 'answer' });
    expect(asked).toBe(1);
  });

  it('is one query of a repository, and not the others', async () => {
    const { ask } = guard();
    await lose(ask, 'users.provision');
    expect(await ask('users.provision', () => 'now')).toMatchObject({ outcome: 'unavailable' });
    expect(await ask('users.findById', () => 'now')).toMatchObject({ outcome: 'now' });
  });

  it('is silent too when its driver gives up before the deadline', async () => {
    const { told, ask } = guard(0.2);
    const givesUp = () =>
      new Promise((_, reject) => setTimeout(() => reject(new Error('connect timeout')), 80));
    for (let n = 0; n < 10; n += 1) await ask('stores.oneTime.get', givesUp);
    expect(told.map(({ kind }) => kind)).toEqual(['threw', 'threw', ...Array(8).fill('circuit_open')]);
  });

  it('is asked again as soon as it has answered, though too late', async () => {
    const { ask } = guard();
    let answer = (_: string) => {};
    const late = new Promise<string>((resolve) => {
      answer = resolve;
    });
    await lose(ask, 'users.findById', () => late);
    expect(await ask('users.findById', () => 'now')).toMatchObject({ outcome: 'unavailable' });
    answer('late');
    await new Promise((resolve) => setImmediate(resolve));
    expect(await ask('users.findById', () => 'now')).toMatchObject({ outcome: 'now' });
  });

  it('is asked by itself again after a while', async () => {
    const { ask } = guard(0.1);
    await lose(ask, 'users.findById');
    expect(await ask('users.findById', () => 'now')).toMatchObject({ outcome: 'unavailable' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ask('users.findById', () => 'now')).toMatchObject({ outcome: 'now' });
  });

  it('that fails at once is asked each time: nobody waits for it', async () => {
    const { told, ask } = guard();
    const refuse = () => Promise.reject(new Error('refused'));
    for (let n = 0; n < 5; n += 1) await ask('users.findById', refuse);
    expect(told.map(({ kind }) => kind)).toEqual(Array(5).fill('threw'));
  });

  it('does not shut out the calls that are answered beside one that never is', async () => {
    const { told, ask } = guard(0.05);
    const hanging = Array.from({ length: 5 }, () => ask('users.findByEmail', never));
    for (let n = 0; n < 20; n += 1) {
      expect(await ask('users.findById', async () => 'answer')).toMatchObject({ outcome: 'answer' });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(hanging);
    expect(told.map(({ kind }) => kind)).toEqual(Array(5).fill('timed_out'));
    expect(await ask('users.findByEmail', () => 'found')).toMatchObject({ outcome: 'found' });
  });
});
