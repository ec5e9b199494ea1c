import { randomBytes } from 'node:crypto';
import { boundedQueue } from './bounded-queue.js';

type Argon2 = typeof import('@node-rs/argon2');

/** OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes above these costs are refused (`work`: memory in KiB times passes): nobody's row may exhaust the process. */
const limits = { memoryCost: 262_144, work: 1_048_576, parallelism: 16 };

/** The native library, loaded when the first password needs it. */
function loadArgon2(): Promise<Argon2> {
  return import('@node-rs/argon2');
}

/**
 * Hashes a password for {@link User.passwordHash}: an argon2id PHC string over the exact UTF-8 bytes.
 *
 * @example await hashPassword('correct horse') // '$argon2id$v=19$m=19456,t=2,p=1$…'
 */
export async function hashPassword(password: string): Promise<string> {
  return (await loadArgon2()).hash(Buffer.from(password), parameters);
}

/** What a verification found; `unusable` is a stored hash that is no argon2id hash, or one of absurd cost. */
export type Verification = 'match' | 'mismatch' | 'unusable';

/** Verifies passwords with bounded concurrency; see {@link passwordHashing}. */
export interface PasswordHashing {
  /** Loads the library and makes the dummy hash. */
  ready(): Promise<void>;
  /**
   * Verifies a password; `null` stands for a user who has none, and costs what a real verification costs.
   *
   * @throws AuthError `too_many_requests` when the queue is full
   */
  verify(hash: string | null, password: string): Promise<Verification>;
  /** Whether a hash is weaker than those that are made now. */
  isOutdated(hash: string): Promise<boolean>;
  /** Hashes a password, in the same queue. */
  hash(password: string): Promise<string>;
}

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
  let dummy: Promise<string> | undefined;
  const dummyHash = () => {
    dummy ??= hashPassword(randomBytes(32).toString('base64url')).catch((error: unknown) => {
      dummy = undefined;
      throw error;
    });
    return dummy;
  };

  return {
    async ready() {
      await dummyHash();
    },
    verify: (hash, password) =>
      inTurn(async () => {
        const library = await loadArgon2();
        const usable = hash !== null && isUsable(library, hash);
        const matches = usable ? await verifies(library, hash, password) : null;
        if (matches !== null) return matches ? 'match' : 'mismatch';
        await library.verify(await dummyHash(), Buffer.from(password));
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

function isUsable(library: Argon2, hash: string): boolean {
  if (!/^\$argon2id\$v=19\$[^$]+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}$/.test(hash)) return false;
  try {
    const { memoryCost, timeCost, parallelism } = library.parseOptions(hash);
    const affordable = memoryCost <= limits.memoryCost && memoryCost * timeCost <= limits.work;
    return affordable && parallelism <= limits.parallelism;
  } catch {
    return false;
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
