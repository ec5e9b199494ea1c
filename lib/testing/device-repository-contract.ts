import assert from 'node:assert/strict';
import type { DeviceRepository } from '../repositories/index.js';
import { type ContractCase, casesOf, type Fresh, winnersOf } from './contract-case.js';
import { deviceRecord, userRecord } from './records.js';

const [alice, bob] = [userRecord(1).id, userRecord(2).id];
const namesOf = async (devices: DeviceRepository, userId: string) =>
  (await devices.listByUser(userId)).map(({ name }) => name).sort();

/**
 * What a {@link DeviceRepository} must do. `create` makes an empty one, which knows the users of `userRecord(1)` and
 * `userRecord(2)` if it must know users at all.
 */
export function deviceRepositoryContract(create: Fresh<DeviceRepository>): ContractCase[] {
  return casesOf(create, {
    async 'lists no devices of a user who has none'(devices) {
      assert.deepEqual(await devices.listByUser(alice), []);
      assert.equal(await devices.findByCredentialId('unknown'), null);
    },
    async 'adds a device, and finds it by user and by credential id'(devices) {
      const device = deviceRecord(1);
      assert.equal(await devices.add(alice, device), true);
      const [listed] = await devices.listByUser(alice);
      assert.deepEqual(
        [listed?.credentialId, listed?.counter, listed?.lastUsedAt],
        [device.credentialId, 0, null],
      );
      assert.deepEqual([...(listed?.publicKey ?? [])], [...device.publicKey]);
      assert.equal((await devices.findByCredentialId(device.credentialId))?.name, device.name);
      assert.deepEqual(await devices.listByUser(bob), []);
    },
    async 'refuses a name that the user has, and takes it for another user'(devices) {
      await devices.add(alice, deviceRecord(1));
      assert.equal(await devices.add(alice, deviceRecord(2, { name: 'key 1' })), false);
      assert.equal(await devices.add(bob, deviceRecord(2, { name: 'key 1' })), true);
    },
    async 'refuses a credential id that anybody has'(devices) {
      await devices.add(alice, deviceRecord(1));
      assert.equal(await devices.add(bob, deviceRecord(1, { name: 'mine' })), false);
      assert.equal(await devices.add(alice, deviceRecord(1, { name: 'again' })), false);
    },
    async 'lets exactly one of twenty parallel additions of one credential win'(devices) {
      const winners = await winnersOf(20, (index) =>
        devices.add(index % 2 ? alice : bob, deviceRecord(1, { name: `key ${index}` })),
      );
      assert.equal(winners, 1);
    },
    async 'renames a device, unless the name is taken or there is none'(devices) {
      await devices.add(alice, deviceRecord(1));
      await devices.add(alice, deviceRecord(2));
      assert.equal(await devices.rename(alice, 'key 1', 'key 2'), false);
      assert.equal(await devices.rename(alice, 'no such key', 'key 3'), false);
      assert.equal(await devices.rename(bob, 'key 1', 'key 3'), false);
      assert.equal(await devices.rename(alice, 'key 1', 'key 3'), true);
      assert.deepEqual(await namesOf(devices, alice), ['key 2', 'key 3']);
    },
    async 'removes a device of this user alone'(devices) {
      await devices.add(alice, deviceRecord(1));
      assert.equal(await devices.remove(bob, 'key 1'), false);
      assert.equal(await devices.remove(alice, 'key 1'), true);
      assert.equal(await devices.remove(alice, 'key 1'), false);
      assert.equal(await devices.findByCredentialId(deviceRecord(1).credentialId), null);
    },
    async 'records a use only over the counter that was seen'(devices) {
      const { credentialId } = deviceRecord(1);
      await devices.add(alice, deviceRecord(1));
      const use = (from: number, to: number) =>
        devices.recordUse(alice, credentialId, { from, to, backedUp: true, at: 5 });
      assert.equal(await use(1, 2), false);
      assert.equal(await use(0, 7), true);
      assert.equal(await use(0, 8), false);
      const [device] = await devices.listByUser(alice);
      assert.deepEqual([device?.counter, device?.backedUp, device?.lastUsedAt], [7, true, 5]);
      assert.equal(
        await devices.recordUse(bob, credentialId, { from: 7, to: 8, backedUp: true, at: 6 }),
        false,
      );
    },
    async 'lets exactly one of twenty parallel uses win'(devices) {
      const { credentialId } = deviceRecord(1);
      await devices.add(alice, deviceRecord(1, { counter: 5 }));
      const winners = await winnersOf(20, () =>
        devices.recordUse(alice, credentialId, { from: 5, to: 6, backedUp: false, at: 1 }),
      );
      assert.equal(winners, 1);
    },
    async 'replaces all recovery codes, counts them, and keeps the users apart'(devices) {
      await devices.replaceRecoveryCodes(alice, ['a', 'b']);
      await devices.replaceRecoveryCodes(bob, ['x']);
      await devices.replaceRecoveryCodes(alice, ['c', 'd', 'e']);
      assert.deepEqual(
        [await devices.countRecoveryCodes(alice), await devices.countRecoveryCodes(bob)],
        [3, 1],
      );
      assert.deepEqual(
        [await devices.hasRecoveryCode(alice, 'a'), await devices.hasRecoveryCode(alice, 'c')],
        [false, true],
      );
      assert.equal(await devices.consumeRecoveryCode(alice, 'x'), false);
      assert.equal(await devices.consumeRecoveryCode(alice, 'b'), false);
    },
    async 'lets exactly one of thirty parallel uses of a recovery code win'(devices) {
      await devices.replaceRecoveryCodes(alice, ['a', 'b']);
      assert.equal(await winnersOf(30, () => devices.consumeRecoveryCode(alice, 'a')), 1);
      assert.equal(await devices.countRecoveryCodes(alice), 1);
      assert.equal(await devices.hasRecoveryCode(alice, 'a'), false);
    },
  });
}
