import { describe, expect, it } from '@jest/globals';
import { directoryCheck } from '../../lib/federation/directory-check.js';
import { testClock } from '../support/clock.js';
import { ldapRecord } from '../support/ldap-attack.js';

function made(answers: (boolean | Error)[] = []) {
  const clock = testClock();
  const asked: string[] = [];
  const knows = async (idp: { id: string }, subject: string) => {
    asked.push(`${idp.id} ${subject}`);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer ?? true;
  };
  return { clock, asked, check: directoryCheck({ knows }, clock) };
}
const idp = ldapRecord(389, { validFor: 60 });

describe('directoryCheck', () => {
  it('asks nothing where the record does not say for how long its word is good', async () => {
    const { check, clock, asked } = made();
    const knownAt = clock();
    clock.advance(1_000_000);
    expect(await check(ldapRecord(389), 'a', knownAt)).toBe(true);
    expect(asked).toEqual([]);
  });

  it('asks when the time is over, and then not before it is over again', async () => {
    const { check, clock, asked } = made();
    const knownAt = clock();
    for (const [advance, count] of [
      [59.999, 0],
      [0.001, 1],
      [59.999, 1],
      [0.001, 2],
    ] as const) {
      clock.advance(advance);
      expect(await check(idp, 'a', knownAt)).toBe(true);
      expect([advance, asked.length]).toEqual([advance, count]);
    }
  });

  it('asks once for all that come together, and for each user and each provider by itself', async () => {
    const { check, clock, asked } = made();
    const knownAt = clock();
    clock.advance(60);
    const other = { ...idp, id: 'other' };
    await Promise.all([
      ...Array.from({ length: 10 }, () => check(idp, 'a', knownAt)),
      check(idp, 'b', knownAt),
      check(other, 'a', knownAt),
    ]);
    expect(asked).toEqual(['ldap a', 'ldap b', 'other a']);
  });

  it('asks anew when the record has changed', async () => {
    const { check, clock, asked } = made();
    const knownAt = clock();
    clock.advance(60);
    await check(idp, 'a', knownAt);
    await check({ ...idp, requiredGroup: { dn: 'cn=staff' } }, 'a', knownAt);
    expect(asked.length).toBe(2);
  });

  it('hands on that somebody is gone, and that the directory could not be asked', async () => {
    const down = new Error('down');
    const { check, clock, asked } = made([down, false]);
    const knownAt = clock();
    clock.advance(60);
    await expect(Promise.all([check(idp, 'a', knownAt), check(idp, 'a', knownAt)])).rejects.toBe(down);
    expect(await check(idp, 'a', knownAt)).toBe(false);
    expect(asked.length).toBe(2);
  });

  it('trusts no answer from a time that has not come', async () => {
    const { check, clock, asked } = made();
    expect(await check(idp, 'a', clock() + 1)).toBe(true);
    expect(asked.length).toBe(1);
  });
});
