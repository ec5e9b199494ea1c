import { createHash } from 'node:crypto';
import type { Audit, Client } from '../defence/audit.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { FactorOutcome } from './attempts.js';
import { type Claims, UncertainError } from './claims.js';
import type { Configuration } from './configuration.js';

/** How many codes a user is given. */
const count = 10;
/** Bits of each: nobody guesses one, so a fast hash keeps it. */
const bits = 128;
/** Seconds for which a code that was used is remembered, beyond what the repository knows. */
const remembered = 600;

/** The digits of Crockford's base 32: no I, L, O or U. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const length = Math.ceil(bits / 5);

/** Second factors on paper: each is good once. See {@link recoveryCodes}. */
export interface RecoveryCodes {
  /**
   * Makes new codes in the place of all that the user has. They are shown by this answer and never again.
   *
   * @throws AuthError `configuration_locked`
   */
  generate(session: StoredSession, client: Client): Promise<string[]>;
  /**
   * Takes a code in a session, which `save` gives what the code is good for. The code is spent when that is done; a session
   * whose code cannot be spent is ended. If the process dies in between, or the stores go down, the code is good again after a
   * minute, unless a session may have come of it.
   */
  spend<Saved extends StoredSession>(
    session: StoredSession,
    given: { code: string; purpose: 'sign-in' | 'configuration'; client: Client },
    save: () => Promise<Saved>,
  ): Promise<FactorOutcome<Saved>>;
}

/** What recovery codes are made from. */
export interface RecoveryCodeDependencies {
  configuration: Configuration;
  devices: GuardedDevices;
  sessions: Sessions;
  claims: Claims;
  /** Seconds that a session of a user lives at most. */
  absoluteTimeout: number;
  randomBytes: (size: number) => Buffer;
  audit: Audit;
}

/** Makes the recovery codes of users. */
export function recoveryCodes({
  configuration,
  devices,
  sessions,
  claims,
  absoluteTimeout,
  randomBytes,
  audit,
}: RecoveryCodeDependencies): RecoveryCodes {
  /** Saves the session first and spends the code then: a store that fails costs nobody a code. */
  const saved = async <Saved extends StoredSession>(
    userId: string,
    hash: string,
    save: () => Promise<Saved>,
  ): Promise<FactorOutcome<Saved>> => {
    const result = await save();
    try {
      if (await devices.consumeRecoveryCode(userId, hash)) return { kind: 'completed', result };
    } catch (error) {
      await ended(result, error);
      throw error;
    }
    await ended(result);
    return { kind: 'raced' };
  };
  const ended = (session: StoredSession, why?: unknown) =>
    sessions.end(session, 'second_factor_failed').catch((error: unknown) => {
      throw new UncertainError(why ?? error);
    });

  const isUnlocked = async (key: string) => {
    const record = await sessions.load(key);
    return record !== null && configuration.isOpen(record);
  };
  /** Whether a session came of a code that was not spent, or may have: then the code is spent now. */
  const cameOf = async (userId: string, hash: string, note: string): Promise<boolean> => {
    const [purpose, key = ''] = note.split(':');
    const may = purpose === 'sign-in' ? await sessions.mayBeActive(key) : await isUnlocked(key);
    if (may) await devices.consumeRecoveryCode(userId, hash);
    return may;
  };

  return {
    async generate(session, client) {
      const { key, record } = session;
      const { entityId } = record;
      const codes = Array.from({ length: count }, () => codeOf(randomBytes(bits / 8)));
      const hashes = codes.map((code) => hashOf(entityId, canonicalCode(code) ?? ''));
      await configuration.change(session, async () => {
        await devices.replaceRecoveryCodes(entityId, hashes);
        // Whoever has ended the session or locked it meanwhile wants nobody to have these.
        await configuration.check(key).catch(async (error: unknown) => {
          await devices.replaceRecoveryCodes(entityId, []);
          throw error;
        });
      });
      audit({ type: 'recovery_codes_generated', session: key, entityId, ...client });
      return codes;
    },
    async spend<Saved extends StoredSession>(
      { key, record: { entityId } }: StoredSession,
      { code, purpose, client }: { code: string; purpose: 'sign-in' | 'configuration'; client: Client },
      save: () => Promise<Saved>,
    ): Promise<FactorOutcome<Saved>> {
      const canonical = canonicalCode(code);
      if (canonical === null) return unknown;
      const hash = hashOf(entityId, canonical);
      // Claimed before it is looked up, so that whoever comes second has lost a race, and has not guessed.
      const outcome = await claims.hold<FactorOutcome<Saved>>(
        { name: `recovery:${hash}`, seconds: remembered },
        {
          work: async (keep) => {
            if (!(await devices.hasRecoveryCode(entityId, hash))) return unknown;
            // If this process dies before it has spent the code, a session may live that came of it: as long as that one.
            await keep(absoluteTimeout + remembered, `${purpose}:${key}`);
            return saved(entityId, hash, save);
          },
          raced: { kind: 'raced' },
          cameOf: (note) => cameOf(entityId, hash, note),
          isGood: ({ kind }) => kind === 'completed',
        },
      );
      if (outcome.kind !== 'completed') return outcome;
      const left = await devices.countRecoveryCodes(entityId).catch(() => null);
      audit({ type: 'recovery_code_used', session: outcome.result.key, entityId, left, ...client });
      return outcome;
    },
  };
}

const unknown = { kind: 'refused', reason: 'unknown_recovery_code' } as const;

/** A code as people read it: in groups of five, and one of six. */
function codeOf(bytes: Buffer): string {
  let value = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let place = 0; place < length; place += 1) {
    text = (digits[Number(value & 31n)] ?? '') + text;
    value >>= 5n;
  }
  return text.replace(/^(.{5})(.{5})(.{5})(.{5})/, '$1-$2-$3-$4-');
}

/** The one spelling of a code, whatever case, separators and look-alikes were typed; `null` for what is none. */
export function canonicalCode(text: string): string | null {
  // ASCII alone: other letters have upper cases that are in ASCII.
  if (!/^[\w -]{1,100}$/.test(text)) return null;
  const canonical = text.replaceAll(/[ -]/g, '').toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(canonical) ? canonical : null;
}

/** What is kept of a code: the same one of another user is another. */
function hashOf(userId: string, canonical: string): string {
  return createHash('sha256').update(`${userId} ${canonical}`).digest('hex');
}
