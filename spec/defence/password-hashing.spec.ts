import { describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { passwordHashing } from '../../lib/defence/password-hashing.js';
import { hashPassword } from '../../lib/index.js';

const hashing = passwordHashing({ concurrency: 2, queue: 100 });
const cheap = { memoryCost: 64, timeCost: 1, parallelism: 1 };

describe('the bytes of a password', () => {
  const long = 'good72bytes+'.repeat(6);

  it.each([
    ['a trailing space', 'password', 'password '],
    ['a leading space', 'password', ' password'],
    ['a NUL and more', 'password', 'password\0'],
    ['a NUL and junk', 'pass', 'pass\0junk'],
    ['the case', 'password', 'Password'],
    ['what stands behind 72 bytes', `${long}x`, `${long}y`],
    ['anything behind 72 bytes', long, `${long}anything`],
    ['the last of 1,024 bytes', `${'x'.repeat(1023)}a`, `${'x'.repeat(1023)}b`],
    ['composed and decomposed letters', 'p\u00e4ss', 'pa\u0308ss'],
    ['full-width letters', 'pass', 'ｐａｓｓ'],
    ['a zero-width space', 'pass', 'pa\u200bss'],
    ['a line end', 'pass', 'pass\n'],
    ['nothing at all', 'pass', ''],
  ])('differ by %s', async (_, one, other) => {
    const [ones, others] = await Promise.all([
      hash(Buffer.from(one), cheap),
      hash(Buffer.from(other), cheap),
    ]);
    expect([await hashing.verify(ones, one), await hashing.verify(ones, other)]).toEqual([
      'match',
      'mismatch',
    ]);
    expect([await hashing.verify(others, other), await hashing.verify(others, one)]).toEqual([
      'match',
      'mismatch',
    ]);
  });

  it('are hashed by hashPassword with a fresh salt, at the costs that the docstring names', async () => {
    const [one, other] = await Promise.all([hashPassword('same'), hashPassword('same')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(other);
  });
});

describe('hashPassword', () => {
  it.each(['', 'x'.repeat(1025), 'é'.repeat(513), '\ud800'])(
    'takes none by which nobody could sign in',
    async (password) => {
      await expect(hashPassword(password)).rejects.toThrow(RangeError);
    },
  );
});

describe('a stored hash that is hostile or broken', () => {
  const salt = 'c2FsdHNhbHRzYWx0c2FsdA';
  const output = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI';
  const phc = (parameters: string, ...rest: string[]) =>
    ['', 'argon2id', 'v=19', parameters, ...rest].join('$');

  const hostile = [
    phc('m=4194304,t=2,p=1', salt, output),
    phc('m=262145,t=1,p=1', salt, output),
    phc('m=262144,t=5,p=1', salt, output),
    phc('m=19456,t=1000000,p=1', salt, output),
    phc('m=4294967295,t=4294967295,p=255', salt, output),
    phc('m=99999999999999999999,t=1,p=1', salt, output),
    phc('m=19456,t=2,p=17', salt, output),
    phc('m=19456,t=2,p=0', salt, output),
    phc('m=19456,t=0,p=1', salt, output),
    phc('m=0,t=1,p=1', salt, output),
    phc('m=-1,t=2,p=1', salt, output),
    phc('m=1e3,t=2,p=1', salt, output),
    phc('t=2', salt, output),
    phc('m=64,t=1,p=1,m=4194304', salt, output),
    phc('', salt, output),
    phc('m=19456,t=2,p=1', salt),
    phc('m=19456,t=2,p=1', '', output),
    phc('m=19456,t=2,p=1', salt, ''),
    phc('m=19456,t=2,p=1', salt, 'c2hvcnQ'),
    phc('m=19456,t=2,p=1', salt, `${output}=`),
    phc('m=19456,t=2,p=1', salt, `${output}!`),
    phc('m=19456,t=2,p=1', salt, output, 'more'),
    `${phc('m=19456,t=2,p=1', salt, output)}\n`,
    `$argon2i$v=19$m=64,t=1,p=1$${salt}$${output}`,
    `$argon2d$v=19$m=64,t=1,p=1$${salt}$${output}`,
    `$argon2id$m=64,t=1,p=1$${salt}$${output}`,
    '$2b$12$C6UzMDM.H6dfI/f/IKcEeO2xbp5k4RS4bZ1gqFQh3z1d2s3q4u5vW',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    '\0',
    ' ',
  ];
  const titled = hostile.map((stored) => [JSON.stringify(stored.slice(0, 60)), stored] as const);

  it.each(titled)('is unusable, and soon: %s', async (_, stored) => {
    const started = performance.now();
    expect(await hashing.verify(stored, 'password')).toBe('unusable');
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it.each([
    ['a parameter that nobody knows', phc('m=64,t=1,p=1,x=1', salt, output)],
    ['an endless salt', phc('m=19456,t=2,p=1', 'A'.repeat(100_000), output)],
    ['an endless output', phc('m=19456,t=2,p=1', salt, 'A'.repeat(100_000))],
  ])('is never a match, and soon: %s', async (_, stored) => {
    const started = performance.now();
    for (const password of ['password', stored.slice(0, 1024)])
      expect(await hashing.verify(stored, password)).not.toBe('match');
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('leaves the process alive', async () => {
    expect(await hashing.verify(await hashPassword('good'), 'good')).toBe('match');
  });
});

describe('what a verification costs', () => {
  const time = async (stored: string | null) => {
    const started = performance.now();
    await hashing.verify(stored, 'wrong');
    return performance.now() - started;
  };

  it.each([
    ['a user who has no password', null],
    ['a hash that is unusable', 'x'],
    ['a hash of absurd cost', '$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0$MTIzNDU2Nzg5MDEyMzQ1Ng'],
  ])('is no less for %s', async (_, stored) => {
    const real = await hashPassword('x');
    await hashing.ready();
    let [known, other] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    // The least of many: on a busy machine it takes a while until both have met a quiet moment.
    for (let index = 0; index < 4 || (index < 60 && other <= known * 0.7); index += 1) {
      known = Math.min(known, await time(real));
      other = Math.min(other, await time(stored));
    }
    expect(other).toBeGreaterThan(known * 0.7);
  });
});

describe('the queue', () => {
  it('refuses the first that is too many with when to come back, and lets all others end', async () => {
    const small = passwordHashing({ concurrency: 1, queue: 3 });
    const stored = await hash('x', cheap);
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => small.verify(stored, 'x')));
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
      ...['rejected', 'rejected'],
    ]);
    expect(outcomes.at(-1)).toMatchObject({
      reason: { code: 'too_many_requests', status: 429, retryAfter: 1 },
    });
    expect(await small.verify(stored, 'x')).toBe('match');
  });

  it('may have no room to wait at all', async () => {
    const tiny = passwordHashing({ concurrency: 1, queue: 0 });
    const stored = await hash('x', cheap);
    const [one, other] = await Promise.allSettled([tiny.verify(stored, 'x'), tiny.verify(stored, 'x')]);
    expect([one?.status, other?.status]).toEqual(['fulfilled', 'rejected']);
  });

  it('is one for verifying and hashing, and is served in order', async () => {
    const small = passwordHashing({ concurrency: 1, queue: 2 });
    const stored = await hash('x', cheap);
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    const outcomes = await Promise.allSettled([
      small.verify(stored, 'x').then(note('first')),
      small.hash('y').then(note('second')),
      small.verify(stored, 'x').then(note('third')),
      small.hash('z'),
    ]);
    expect(order).toEqual(['first', 'second', 'third']);
    expect(outcomes.at(-1)?.status).toBe('rejected');
  });

  it('gives places back after what is unusable', async () => {
    const small = passwordHashing({ concurrency: 1, queue: 0 });
    for (let index = 0; index < 3; index += 1) expect(await small.verify('x', 'x')).toBe('unusable');
    expect(await small.verify(await hash('x', cheap), 'x')).toBe('match');
  });

  it('has no more than so many run at once', async () => {
    const single = passwordHashing({ concurrency: 1, queue: 100 });
    const stored = await hashPassword('x');
    const time = async (many: number) => {
      const started = performance.now();
      await Promise.all(Array.from({ length: many }, () => single.verify(stored, 'wrong')));
      return performance.now() - started;
    };
    await time(1);
    const alone = Math.min(await time(1), await time(1), await time(1));
    expect(await time(8)).toBeGreaterThan(alone * 4);
  });
});

describe('isOutdated', () => {
  it.each([
    [{ memoryCost: 19_456, timeCost: 2 }, false],
    [{ memoryCost: 19_456, timeCost: 1 }, true],
    [{ memoryCost: 4096, timeCost: 3 }, true],
    [{ memoryCost: 12_288, timeCost: 3 }, true],
    [{ memoryCost: 65_536, timeCost: 1 }, false],
  ])('of %j is %s', async (costs, outdated) => {
    expect(await hashing.isOutdated(await hash('x', { ...costs, parallelism: 1 }))).toBe(outdated);
  });
});
