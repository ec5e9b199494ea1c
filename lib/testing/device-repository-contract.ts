import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { DeviceRepository, MfaDevice } from '../repositories/index.js';
import { type ContractCase, casesOf, type Fresh, oneWinnerOf, winnersOf } from './contract-case.js';
import { deviceRecord, userRecord } from './records.js';

const [alice, bob] = [userRecord(1).id, userRecord(2).id];
const { credentialId } = deviceRecord(1);
/** A name of 4,095 characters that no database can store in much less. */
const long = Array.from({ length: 64 }, (_, n) => createHash('sha256').update(`${n}`).digest('hex'))
  .join('')
  .slice(1);
const namesOf = async (devices: DeviceRepository, userId: string) =>
  (await devices.listByUser(userId)).map(({ name }) => name).sort();

/**
 * What a {@link DeviceRepository} must do. `create` makes an empty one, which knows the users of `userRecord(1)` and
 * `userRecord(2)` if it must know users at all.
 *
 * @example for (const { name, run } of deviceRepositoryContract(() => myEmptyRepository())) it(name, run);
 */
export function deviceRepositoryContract(create: Fresh<DeviceRepository>): ContractCase[] {
  return [
    ...casesOf(create, keeping),
    ...casesOf(create, changing),
    ...casesOf(create, using),
    ...casesOf(create, recoveryCodes),
  ];
}

type Table = Record<string, (devices: DeviceRepository) => Promise<void>>;

const keeping: Table = {
  async 'lists no devices of a user who has none, and answers null for an unknown credential id'(devices) {
    assert.deepEqual(await devices.listByUser(alice), []);
    assert.equal(await devices.findByCredentialId('unknown'), null);
  },
  async 'adds a device, and finds it by its user and by its credential id, whoever has it'(devices) {
    assert.equal(await devices.add(alice, deviceRecord(1)), true);
    assert.equal(await devices.add(bob, deviceRecord(2)), true);
    assert.deepEqual([await namesOf(devices, alice), await namesOf(devices, bob)], [['key 1'], ['key 2']]);
    assert.equal((await devices.findByCredentialId(credentialId))?.name, 'key 1');
    assert.equal((await devices.findByCredentialId(deviceRecord(2).credentialId))?.name, 'key 2');
  },
  async 'gives a device back as it was added, never used yet'(devices) {
    const fido2 = deviceRecord(1, {
      counter: 0xff_ff_ff_ff,
      transports: ['usb', 'nfc'],
      backupEligible: true,
    });
    const u2f = deviceRecord(2, { type: 'U2f', publicKey: new Uint8Array(65).fill(255), origin: null });
    await devices.add(alice, fido2);
    await devices.add(alice, u2f);
    const listed = await devices.listByUser(alice);
    for (const added of [fido2, u2f]) {
      const expected = contentOf({ ...added, lastUsedAt: null });
      const found = listed.find((device) => device.credentialId === added.credentialId) ?? null;
      assert.deepEqual(contentOf(found), expected);
      assert.deepEqual(contentOf(await devices.findByCredentialId(added.credentialId)), expected);
    }
  },
  async 'compares credential ids exactly'(devices) {
    await devices.add(alice, deviceRecord(1));
    for (const like of [credentialId.toLowerCase(), `${credentialId} `, `${credentialId.slice(0, 5)}%`]) {
      assert.equal(await devices.findByCredentialId(like), null);
    }
  },
  async 'hands out devices that stay as they were when they were read'(devices) {
    await devices.add(alice, deviceRecord(1));
    const read = [await devices.findByCredentialId(credentialId), ...(await devices.listByUser(alice))];
    await devices.recordUse(alice, credentialId, { from: 0, to: 7, backedUp: true, at: 5 });
    await devices.rename(alice, 'key 1', 'renamed');
    assert.deepEqual(
      read.map((device) => [device?.counter, device?.name]),
      read.map(() => [0, 'key 1']),
    );
  },
};

const changing: Table = {
  async 'refuses a name that the user has, and takes it for another user'(devices) {
    await devices.add(alice, deviceRecord(1));
    assert.equal(await devices.add(alice, deviceRecord(2, { name: 'key 1' })), false);
    assert.equal(await devices.findByCredentialId(deviceRecord(2).credentialId), null);
    assert.equal(await devices.add(bob, deviceRecord(2, { name: 'key 1' })), true);
  },
  async 'takes names of 4,096 characters, as the API does, and tells them apart by the last'(devices) {
    assert.equal(await devices.add(alice, deviceRecord(1, { name: `${long}a` })), true);
    assert.equal(await devices.add(alice, deviceRecord(2, { name: `${long}b` })), true);
    assert.equal(await devices.add(alice, deviceRecord(3, { name: `${long}b` })), false);
    assert.equal(await devices.rename(alice, `${long}b`, `${long}a`), false);
    assert.equal(await devices.rename(alice, `${long}b`, `${long}c`), true);
    assert.deepEqual(await namesOf(devices, alice), [`${long}a`, `${long}c`]);
  },
  async 'refuses a credential id that anybody has'(devices) {
    await devices.add(alice, deviceRecord(1));
    assert.equal(await devices.add(bob, deviceRecord(1, { name: 'mine' })), false);
    assert.equal(await devices.add(alice, deviceRecord(1, { name: 'again' })), false);
    assert.deepEqual([await namesOf(devices, alice), await namesOf(devices, bob)], [['key 1'], []]);
  },
  async 'lets exactly one of 20 parallel additions of one credential id win'(devices) {
    await oneWinnerOf(20, (index) =>
      devices.add(index % 2 ? alice : bob, deviceRecord(1, { name: `key ${index}` })),
    );
    const listed = [...(await devices.listByUser(alice)), ...(await devices.listByUser(bob))];
    assert.equal(listed.length, 1);
  },
  async 'lets exactly one of 20 parallel additions of one name win'(devices) {
    await oneWinnerOf(20, (index) => devices.add(alice, deviceRecord(index, { name: 'key' })));
    assert.deepEqual(await namesOf(devices, alice), ['key']);
  },
  async 'renames a device, unless the name is taken or there is none'(devices) {
    await devices.add(alice, deviceRecord(1));
    await devices.add(alice, deviceRecord(2));
    assert.equal(await devices.rename(alice, 'key 1', 'key 2'), false);
    assert.equal(await devices.rename(alice, 'no such key', 'key 3'), false);
    assert.equal(await devices.rename(bob, 'key 1', 'key 3'), false);
    assert.equal(await devices.rename(alice, 'key 1', 'key 3'), true);
    assert.deepEqual(await namesOf(devices, alice), ['key 2', 'key 3']);
    assert.equal((await devices.findByCredentialId(credentialId))?.name, 'key 3');
  },
  async 'lets exactly one of 10 parallel renames to one name win'(devices) {
    for (let index = 0; index < 10; index += 1) await devices.add(alice, deviceRecord(index));
    await oneWinnerOf(10, (index) => devices.rename(alice, `key ${index}`, 'the one'));
    const names = await namesOf(devices, alice);
    assert.deepEqual([names.length, new Set(names).size], [10, 10]);
  },
  async 'removes a device of this user alone, once, and leaves its name and credential id free'(devices) {
    await devices.add(alice, deviceRecord(1));
    await devices.add(bob, deviceRecord(2));
    assert.equal(await devices.remove(bob, 'key 1'), false);
    await oneWinnerOf(10, () => devices.remove(alice, 'key 1'));
    assert.equal(await devices.findByCredentialId(credentialId), null);
    assert.deepEqual([await namesOf(devices, alice), await namesOf(devices, bob)], [[], ['key 2']]);
    assert.equal(await devices.add(bob, deviceRecord(1)), true);
  },
};

const using: Table = {
  async 'records a use only over the counter that was seen, and only for its user'(devices) {
    await devices.add(alice, deviceRecord(1));
    await devices.add(alice, deviceRecord(2));
    const use = (from: number, to: number, userId = alice, id = credentialId) =>
      devices.recordUse(userId, id, { from, to, backedUp: true, at: 5 });
    assert.equal(await use(1, 2), false);
    assert.equal(await use(0, 7), true);
    assert.equal(await use(0, 8), false);
    assert.equal(await use(7, 8, bob), false);
    assert.equal(await use(7, 8, alice, 'unknown'), false);
    const usedOf = (device: MfaDevice | null) => [device?.counter, device?.backedUp, device?.lastUsedAt];
    assert.deepEqual(usedOf(await devices.findByCredentialId(credentialId)), [7, true, 5]);
    const other = await devices.findByCredentialId(deviceRecord(2).credentialId);
    assert.deepEqual(usedOf(other), [0, false, null]);
  },
  async 'lets exactly one of 20 parallel uses win'(devices) {
    await devices.add(alice, deviceRecord(1, { counter: 5 }));
    const winner = await oneWinnerOf(20, (index) =>
      devices.recordUse(alice, credentialId, { from: 5, to: 6 + index, backedUp: false, at: 1 }),
    );
    assert.equal((await devices.findByCredentialId(credentialId))?.counter, 6 + winner);
  },
};

const recoveryCodes: Table = {
  async 'replaces all recovery codes, and counts them'(devices) {
    assert.equal(await devices.countRecoveryCodes(alice), 0);
    await devices.replaceRecoveryCodes(alice, ['a', 'b']);
    await devices.replaceRecoveryCodes(alice, ['c', 'd', 'e']);
    assert.equal(await devices.countRecoveryCodes(alice), 3);
    assert.equal(await devices.hasRecoveryCode(alice, 'a'), false);
    assert.equal(await devices.hasRecoveryCode(alice, 'c'), true);
    assert.equal(await devices.consumeRecoveryCode(alice, 'b'), false);
    await devices.replaceRecoveryCodes(alice, []);
    assert.equal(await devices.countRecoveryCodes(alice), 0);
  },
  async 'leaves all codes of exactly one of 10 parallel replacements'(devices) {
    const sets = Array.from({ length: 10 }, (_, index) => [`${index} a`, `${index} b`]);
    await Promise.all(sets.map((hashes) => devices.replaceRecoveryCodes(alice, hashes)));
    const left = await Promise.all(sets.flat().map((hash) => devices.hasRecoveryCode(alice, hash)));
    const found = sets.flat().filter((_, index) => left[index]);
    assert.deepEqual([found.length, new Set(found.map((hash) => hash[0])).size], [2, 1]);
    assert.equal(await devices.countRecoveryCodes(alice), 2);
  },
  async 'keeps the recovery codes of users apart'(devices) {
    await devices.replaceRecoveryCodes(alice, ['a', 'same']);
    await devices.replaceRecoveryCodes(bob, ['x', 'same']);
    assert.equal(await devices.hasRecoveryCode(alice, 'x'), false);
    assert.equal(await devices.consumeRecoveryCode(alice, 'x'), false);
    assert.equal(await devices.consumeRecoveryCode(alice, 'same'), true);
    assert.equal(await devices.hasRecoveryCode(bob, 'same'), true);
    assert.equal(await devices.countRecoveryCodes(bob), 2);
  },
  async 'lets exactly one of 30 parallel uses of a recovery code win'(devices) {
    await devices.replaceRecoveryCodes(alice, ['a', 'b']);
    await oneWinnerOf(30, () => devices.consumeRecoveryCode(alice, 'a'));
    assert.equal(await devices.countRecoveryCodes(alice), 1);
    assert.equal(await devices.hasRecoveryCode(alice, 'a'), false);
  },
  async 'lets ten codes be used in parallel, each by one'(devices) {
    const codes = Array.from({ length: 10 }, (_, index) => `code ${index}`);
    await devices.replaceRecoveryCodes(alice, codes);
    const winners = await winnersOf(10, (index) => devices.consumeRecoveryCode(alice, codes[index] ?? ''));
    assert.deepEqual([winners.length, await devices.countRecoveryCodes(alice)], [10, 0]);
  },
};

function contentOf(device: MfaDevice | null): object | null {
  if (device === null) return null;
  const { name, type, counter, backupEligible, backedUp, createdAt, lastUsedAt, origin } = device;
  return {
    ...{ name, type, counter, backupEligible, backedUp, createdAt, lastUsedAt, origin },
    credentialId: device.credentialId,
    publicKey: [...device.publicKey],
    transports: [...device.transports],
  };
}
