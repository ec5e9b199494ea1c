import { type DeviceRepository, type MfaDevice, memoryRepositories } from '../../lib/index.js';
import { deviceRepositoryContract, userRecord } from '../../lib/testing/index.js';
import { describeFaults, later } from './faults.js';

const everybody = [userRecord(1).id, userRecord(2).id];

/** The suite over the good repository with some of its operations changed. */
const devices = (change: (good: DeviceRepository) => Partial<DeviceRepository>) =>
  deviceRepositoryContract(() => {
    const good = memoryRepositories().devices;
    return { ...good, ...change(good) };
  });

describeFaults('deviceRepositoryContract', {
  'undefined for an unknown credential id': {
    cases: devices((good) => ({
      findByCredentialId: async (id) => (await good.findByCredentialId(id)) ?? (undefined as never),
    })),
    foundBy: ['lists no devices of a user who has none, and answers null for an unknown credential id'],
  },
  'a device that only its user can be found by': {
    cases: devices(() => ({ findByCredentialId: async () => null })),
    foundBy: ['adds a device, and finds it by its user and by its credential id, whoever has it'],
  },
  'counters of 31 bits': {
    cases: devices((good) => ({
      add: (userId, device) =>
        good.add(userId, { ...device, counter: Math.min(device.counter, 2 ** 31 - 1) }),
    })),
    foundBy: ['gives a device back as it was added, never used yet'],
  },
  'credential ids without regard to case': {
    cases: devices((good) => ({
      findByCredentialId: async (id) =>
        found(good, (device) => device.credentialId.toLowerCase() === id.toLowerCase()),
    })),
    foundBy: ['compares credential ids exactly'],
  },
  'rows that change in the hands of others': {
    cases: devices((good) => {
      const handedOut = new Map<string, MfaDevice>();
      const findByCredentialId = async (id: string) => {
        const row = await good.findByCredentialId(id);
        if (row === null) return null;
        const same = Object.assign(handedOut.get(id) ?? {}, row);
        handedOut.set(id, same);
        return same;
      };
      const recordUse: DeviceRepository['recordUse'] = async (userId, id, use) => {
        const recorded = await good.recordUse(userId, id, use);
        await findByCredentialId(id);
        return recorded;
      };
      return { findByCredentialId, recordUse };
    }),
    foundBy: ['hands out devices that stay as they were when they were read'],
  },
  'an addition that asks for nothing': {
    cases: devices(() => unchecked()),
    foundBy: [
      'refuses a name that the user has, and takes it for another user',
      'refuses a credential id that anybody has',
      'lets exactly one of 20 parallel additions of one credential id win',
      'lets exactly one of 20 parallel additions of one name win',
    ],
  },
  'names of 255 characters': {
    cases: devices((good) => ({
      add: (userId, device) => good.add(userId, { ...device, name: device.name.slice(0, 255) }),
    })),
    foundBy: ['takes names of 4,096 characters, as the API does, and tells them apart by the last'],
  },
  'renames that ask for no other name': {
    cases: devices(() => ({ rename: async () => true })),
    foundBy: [
      'renames a device, unless the name is taken or there is none',
      'lets exactly one of 10 parallel renames to one name win',
    ],
  },
  'a removal of anybody’s device': {
    cases: devices((good) => ({
      remove: async (_, name) =>
        (await Promise.all(everybody.map((userId) => good.remove(userId, name)))).includes(true),
    })),
    foundBy: ['removes a device of this user alone, once, and leaves its name and credential id free'],
  },
  'a use that is recorded over any counter': {
    cases: devices((good) => ({
      async recordUse(userId, id, use) {
        const device = await found(good, ({ credentialId }) => credentialId === id);
        return good.recordUse(userId, id, { ...use, from: device?.counter ?? 0 });
      },
    })),
    foundBy: ['records a use only over the counter that was seen, and only for its user'],
  },
  'uses that look, wait, and then write': {
    cases: devices((good) => ({
      async recordUse(userId, id, use) {
        const seen = (await good.listByUser(userId)).find(({ credentialId }) => credentialId === id)?.counter;
        await later();
        if (seen !== use.from) return false;
        const now = await found(good, ({ credentialId }) => credentialId === id);
        await good.recordUse(userId, id, { ...use, from: now?.counter ?? 0 });
        return true;
      },
    })),
    foundBy: ['lets exactly one of 20 parallel uses win'],
  },
  'codes that are added to the old ones': {
    cases: devices((good) => {
      const codes = new Map<string, string[]>();
      return {
        async replaceRecoveryCodes(userId, hashes) {
          const all = [...(codes.get(userId) ?? []), ...hashes];
          codes.set(userId, all);
          await good.replaceRecoveryCodes(userId, all);
        },
      };
    }),
    foundBy: ['replaces all recovery codes, and counts them'],
  },
  'codes that are deleted and then added': {
    cases: devices((good) => {
      const codes = new Map<string, string[]>();
      return {
        async replaceRecoveryCodes(userId, hashes) {
          codes.delete(userId);
          await later();
          const all = [...(codes.get(userId) ?? []), ...hashes];
          codes.set(userId, all);
          await good.replaceRecoveryCodes(userId, all);
        },
      };
    }),
    foundBy: ['leaves all codes of exactly one of 10 parallel replacements'],
  },
  'codes that are everybody’s': {
    cases: devices((good) => ({
      hasRecoveryCode: async (_, hash) =>
        (await Promise.all(everybody.map((userId) => good.hasRecoveryCode(userId, hash)))).includes(true),
    })),
    foundBy: ['keeps the recovery codes of users apart'],
  },
  'a code that is good as long as it is there': {
    cases: devices((good) => ({
      async consumeRecoveryCode(userId, hash) {
        const there = await good.hasRecoveryCode(userId, hash);
        await later();
        await good.consumeRecoveryCode(userId, hash);
        return there;
      },
    })),
    foundBy: ['lets exactly one of 30 parallel uses of a recovery code win'],
  },
  'codes whose list is written back as it was read': {
    cases: devices(() => {
      const codes = new Map<string, readonly string[]>();
      const of = (userId: string) => codes.get(userId) ?? [];
      return {
        replaceRecoveryCodes: async (userId, hashes) => void codes.set(userId, hashes),
        hasRecoveryCode: async (userId, hash) => of(userId).includes(hash),
        countRecoveryCodes: async (userId) => of(userId).length,
        async consumeRecoveryCode(userId, hash) {
          const read = of(userId);
          await later();
          codes.set(
            userId,
            read.filter((each) => each !== hash),
          );
          return read.includes(hash);
        },
      };
    }),
    foundBy: ['lets ten codes be used in parallel, each by one'],
  },
});

/** The device that it is, whoever has it. */
async function found(good: DeviceRepository, is: (device: MfaDevice) => boolean): Promise<MfaDevice | null> {
  const all = await Promise.all(everybody.map((userId) => good.listByUser(userId)));
  return all.flat().find(is) ?? null;
}

/** Devices that are added without a look at those that are there. */
function unchecked(): Partial<DeviceRepository> {
  const rows: (MfaDevice & { userId: string })[] = [];
  return {
    listByUser: async (userId) => rows.filter((row) => row.userId === userId),
    findByCredentialId: async (id) => rows.find(({ credentialId }) => credentialId === id) ?? null,
    async add(userId, device) {
      rows.push({ ...device, userId, lastUsedAt: null });
      return true;
    },
  };
}
