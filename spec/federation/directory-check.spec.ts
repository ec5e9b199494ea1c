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
    clock.advance(1_000_000);
    expect(await check(ldapRecord(389), 'a')).toBe(true);
    expect(asked).toEqual([]);
  });

  it('asks at first, and then not before the time is over', async () => {
    const { check, clock, asked } = made();
    for (const [advance, count] of [
      [0, 1],
      [59.999, 1],
      [0.001, 2],
      [59.999, 2],
      [0.001, 3],
    ] as const) {
      clock.advance(advance);
      expect(await check(idp, 'a')).toBe(true);
      expect([advance, asked.length]).toEqual([advance, count]);
    }
  });

  it('asks once for all that come together, and for each user and each provider by itself', async () => {
    const { check, asked } = made();
    const other = { ...idp, id: 'other' };
    await Promise.all([
      ...Array.from({ length: 10 }, () => check(idp, 'a')),
      check(idp, 'b'),
      check(other, 'a'),
    ]);
    expect(asked).toEqual(['ldap a', 'ldap b', 'other a']);
  });

  it('asks anew when what decides has changed in the record, and not for what a host keeps beside it', async () => {
    const { check, asked } = made();
    await check(idp, 'a');
    const circular: Record<string, unknown> = { ...idp, lastSeen: 1 };
    circular.self = circular;
    await check(circular as unknown as typeof idp, 'a');
    expect(asked.length).toBe(1);
    for (const change of [
      { requiredGroup: { dn: 'cn=staff' } },
      { base: 'dc=other' },
      { urls: ['ldap://other'] },
      { subjectAttribute: 'uid' },
    ])
      await check({ ...idp, ...change }, 'a');
    expect(asked.length).toBe(5);
  });

  it('keeps neither a no nor a failure: somebody may be back', async () => {
    const down = new Error('down');
    const { check, asked } = made([down, false, true]);
    await expect(Promise.all([check(idp, 'a'), check(idp, 'a')])).rejects.toBe(down);
    expect(await check(idp, 'a')).toBe(false);
    expect(await check(idp, 'a')).toBe(true);
    expect(await check(idp, 'a')).toBe(true);
    expect(asked.length).toBe(3);
  });

  it('trusts no answer from a time that has not come', async () => {
    const { check, clock, asked } = made();
    await check(idp, 'a');
    clock.advance(-1);
    await check(idp, 'a');
    expect(asked.length).toBe(2);
  });
});
