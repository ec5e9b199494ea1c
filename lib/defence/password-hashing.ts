import { randomBytes } from 'node:crypto';
import { loadOnce } from '../load-once.js';
import { secret } from '../wire/schemas.js';
import { boundedQueue } from './bounded-queue.js';

type Argon2 = typeof import('@node-rs/argon2');

/** OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes above these costs are refused (`work`: memory in KiB times passes): nobody's row may exhaust the process. */
const limits = { memoryCost: 262_144, work: 1_048_576, parallelism: 16 };

/** The native library, loaded when the first password needs it. */
const loadArgon2 = loadOnce((): Promise<Argon2> => import('@node-rs/argon2'));

/**
 * Hashes a password for {@link User.passwordHash}: an argon2id PHC string over the exact UTF-8 bytes.
 *
 * @throws RangeError for a password by which nobody could sign in: an empty one, or one of more than 1,024 bytes
 *
 * @example await hashPassword('correct horse') // '$argon2id$v=19$m=19456,t=2,p=1$…'
 */
export async function hashPassword(password: string): Promise<string> {
  if (!secret.safeParse(password).success)
    throw new RangeError('passport-control: a password must be 1 to 1,024 bytes of UTF-8');
  return hashed(password, parameters);
}

async function hashed(password: string, costs: typeof parameters): Promise<string> {
  return (await loadArgon2()).hash(Buffer.from(password), costs);
}

/** What a verification found; `unusable` is a stored hash that is no argon2id hash, or one of absurd cost. */
export type Verification = 'match' | 'mismatch' | 'unusable';

/** Verifies passwords with bounded concurrency; see {@link passwordHashing}. */
export interface PasswordHashing {
  /** Loads the library and makes the dummy hash. */
  ready(): Promise<void>;
  /**
   * Verifies a password; `null` stands for a user who has none. What does not let anybody in costs the same whoever it was
   * for: one hash of each kind that this process has met.
   *
   * @param letsIn whether a match lets somebody in, and is answered at once @default true
   * @throws AuthError `too_many_requests` when the queue is full
   */
  verify(hash: string | null, password: string, letsIn?: boolean): Promise<Verification>;
  /** Whether a hash is weaker than those that are made now. */
  isOutdated(hash: string): Promise<boolean>;
  /** Hashes a password, in the same queue. */
  hash(password: string): Promise<string>;
}

/** Kinds of hashes, by their costs, that are told apart by no time; more than these are known by theirs. */
const mostKinds = 4;
/** How much more than one of ours a hash may cost whose kind everybody pays for. */
const dearest = 8;

/** What a hash costs. */
type Costs = typeof parameters;

/**
 * Makes the verifier of passwords. `concurrency` hashes run at once (each takes 19 MiB and a thread of the pool
 * that DNS and files share), `queue` more may wait, and the next is refused, so that sign-ins cannot starve the
 * process.
 */
export function passwordHashing({
  concurrency,
  queue,
}: {
  concurrency: number;
  queue: number;
}): PasswordHashing {
  const inTurn = boundedQueue(concurrency, queue);
  const dummies = new Map<string, () => Promise<string>>();
  const meet = (costs: Costs) => {
    const work = (each: Costs) => each.memoryCost * each.timeCost;
    if (dummies.has(kindOf(costs)) || dummies.size === mostKinds) return;
    if (work(costs) <= dearest * work(parameters)) dummies.set(kindOf(costs), dummyOf(costs));
  };
  meet(parameters);
  const pay = async (library: Argon2, password: string, except: string | null) => {
    for (const [kind, dummy] of dummies)
      if (kind !== except) await library.verify(await dummy(), Buffer.from(password));
  };

  return {
    async ready() {
      await Promise.all([...dummies.values()].map((dummy) => dummy()));
    },
    verify: (hash, password, letsIn = true) =>
      inTurn(async () => {
        const library = await loadArgon2();
        const costs = hash === null ? null : usableCosts(library, hash);
        if (costs !== null) meet(costs);
        const matches = hash === null || costs === null ? null : await verifies(library, hash, password);
        if (matches === true && letsIn) return 'match';
        await pay(library, password, matches === null || costs === null ? null : kindOf(costs));
        if (matches !== null) return matches ? 'match' : 'mismatch';
        return hash === null ? 'mismatch' : 'unusable';
      }),
    async isOutdated(hash) {
      const { memoryCost, timeCost, parallelism } = (await loadArgon2()).parseOptions(hash);
      return (
        memoryCost * timeCost * parallelism <
        parameters.memoryCost * parameters.timeCost * parameters.parallelism
      );
    },
    hash: (password) => inTurn(() => hashPassword(password)),
  };
}

function kindOf({ memoryCost, timeCost, parallelism }: Costs): string {
  return `${memoryCost} ${timeCost} ${parallelism}`;
}

/** Makes a hash of nobody's password at these costs, once. */
function dummyOf(costs: Costs): () => Promise<string> {
  let dummy: Promise<string> | undefined;
  return () => {
    dummy ??= hashed(randomBytes(32).toString('base64url'), costs).catch((error: unknown) => {
      dummy = undefined;
      throw error;
    });
    return dummy;
  };
}

/** What a hash costs that can be verified; `null` for what is none, and for one of absurd cost. */
function usableCosts(library: Argon2, hash: string): Costs | null {
  if (!/^\$argon2id\$v=19\$[^$]+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}$/.test(hash)) return null;
  try {
    const { memoryCost, timeCost, parallelism } = library.parseOptions(hash);
    const affordable = memoryCost <= limits.memoryCost && memoryCost * timeCost <= limits.work;
    return affordable && parallelism <= limits.parallelism ? { memoryCost, timeCost, parallelism } : null;
  } catch {
    return null;
  }
}

/** Whether it is the password; `null` when the library cannot make sense of the hash. */
async function verifies(library: Argon2, hash: string, password: string): Promise<boolean | null> {
  try {
    return await library.verify(hash, Buffer.from(password));
  } catch {
    return null;
  }
}
