import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { hashSecret } from '../../../lib/index.js';
import { basic } from '../../support/app.js';
import { attack, type Target } from '../../support/attack.js';
import { knownRole } from '../../support/aws.js';
import {
  appBy,
  appWays,
  changeApp,
  givePassword,
  lookUps,
  seen,
  sessionIn,
  shown,
  userWays,
  wrong,
} from '../../support/credentials.js';
import { auth, passwordOf } from '../../support/owing.js';
import { acme, alice, bob, globex, robot, twin } from '../../support/people.js';
import { swiftly } from '../../support/swift.js';

describe('attacks by a name that users and apps have in common', () => {
  it('APP-01: the secret of an app signs in no user, and a password no app, though they have one name', () =>
    attack({ lockout: false }, async (target) => {
      const { nodes } = target;
      changeApp(target, robot, { name: alice.email });
      const named = { ...robot, name: alice.email };
      for (const [name, way] of userWays) {
        expect([name, seen(await way(nodes[0], alice.email, robot.secret))]).toEqual([name, wrong]);
        expect([name, seen(await way(nodes[1], alice.email, robot.nextSecret))]).toEqual([name, wrong]);
      }
      for (const [name, way] of appWays)
        expect([name, seen(await way(nodes[0], named, alice.password))]).toEqual([name, wrong]);
      for (const [user, secret] of [
        [alice.id, alice.password],
        [alice.id, robot.secret],
        [robot.name, robot.secret],
        [`${acme}/${robot.name}`, robot.secret],
        [`${robot.id}@example.com`, robot.secret],
      ] as const)
        expect([user, seen(await nodes[1].call(auth, undefined, basic(user, secret)))]).toEqual([
          user,
          wrong,
        ]);
      expect(target.shared.rows.size).toBe(0);

      target.expectSessionsOf(alice.id, robot.id);
      expect(JSON.parse((await appBy.name(nodes[0], named, robot.secret)).body).entity_id).toBe(robot.id);
      const answer = await nodes[1].call(auth, passwordOf(alice));
      expect(JSON.parse(answer.body).entity_id).toBe(alice.id);
    }));

  it('APP-01: an app with the id of a user is no user, and neither are its sessions', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      const { table } = one.repositories.apps;
      const row = table.get(robot.id);
      if (row !== undefined) table.set(alice.id, { ...row, id: alice.id });
      target.expectSessionsOf(alice.id);
      expect(seen(await one.call(auth, undefined, basic(alice.id, alice.password)))).toBe(wrong);
      const apps = sessionIn(await one.call(auth, undefined, basic(alice.id, robot.secret)));
      const users = sessionIn(await one.call(auth, passwordOf(alice)));
      const at = async (path: string, headers: Record<string, string>) =>
        (await other.send({ method: 'GET', path, headers })).status;
      expect([await at('/app', apps), await at('/user', apps)]).toEqual([200, 403]);
      expect([await at('/app', users), await at('/user', users)]).toEqual([403, 200]);
      // The end of the one is not the end of the other.
      table.delete(alice.id);
      expect([await at('/app', apps), await at('/user', users)]).toEqual([401, 200]);
    }));

  it('APP-01: one secret for two is the secret of each, and of nobody else', () =>
    attack({ lockout: false }, async (target) => {
      const [one, other] = target.nodes;
      await givePassword(target, bob, robot.secret);
      target.expectSessionsOf(bob.id, robot.id);
      for (const [, way] of userWays)
        expect(JSON.parse((await way(one, bob.email, robot.secret)).body).entity_id).toBe(bob.id);
      const answer = await other.call(auth, undefined, basic(robot.id, robot.secret));
      expect(JSON.parse(answer.body).entity_id).toBe(robot.id);
      expect(seen(await other.call(auth, undefined, basic(bob.id, robot.secret)))).toBe(wrong);
    }));
});

describe('attacks by the account of an app', () => {
  it('APP-02: an app of one name in two accounts has the secrets of its own account', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      for (const [name, way] of appWays) {
        expect([name, seen(await way(nodes[0], robot, twin.secret))]).toEqual([name, wrong]);
        expect([name, seen(await way(nodes[1], twin, robot.secret))]).toEqual([name, wrong]);
        expect([name, seen(await way(nodes[1], twin, robot.nextSecret))]).toEqual([name, wrong]);
      }
      expect(target.shared.rows.size).toBe(0);
      target.expectSessionsOf(robot.id, twin.id);
      for (const [, way] of appWays) {
        const [robots, twins] = [
          await way(nodes[0], robot, robot.secret),
          await way(nodes[1], twin, twin.secret),
        ];
        expect([robots.body.includes(robot.id), twins.body.includes(twin.id)]).toEqual([true, true]);
      }
    }));

  const odd: unknown[] = [
    ...[1, 0, -1, null, true, [acme], [], {}, { $ne: null }, { id: acme }],
    ...['', ' ', '*', '%', '_', '../', `../${acme}`, `${acme}/`, `{${acme}}`, `urn:uuid:${acme}`],
    ...[acme.toUpperCase(), acme.replaceAll('-', ''), ` ${acme}`, `${acme} `, `${acme}\0`, `${acme}\n`],
    ...[acme.slice(1), `${acme}0`, acme.replace('a', '\uff41'), acme.replaceAll('-', '\u2010')],
    ...["' OR '1'='1", 'null', 'undefined', '__proto__', 'x'.repeat(10_000)],
  ];

  it('APP-03: an account that is no id in small letters is 400, and no app is looked up', () =>
    attack({}, async (target) => {
      for (const [at, acct_id] of odd.entries()) {
        const body = { method: 'auth-by-app-name', acct_id, name: robot.name, password: robot.secret };
        const answer = await (target.nodes[at % 2] ?? target.nodes[0]).call(auth, body);
        expect([acct_id, seen(answer)]).toEqual([acct_id, '400 malformed_request']);
      }
      const { name, secret: password } = robot;
      const without = await target.nodes[0].call(auth, { method: 'auth-by-app-name', name, password });
      expect(seen(without)).toBe('400 malformed_request');
      expect(lookUps(target)).toBe(0);
    }));

  it('APP-03: a user of a Basic header that is no id in small letters is no app', () =>
    attack({}, async (target) => {
      const { id, secret } = robot;
      for (const user of [
        ...[id.toUpperCase(), id.replaceAll('-', ''), `{${id}}`, ` ${id}`, `${id} `, `${id}\0`],
        ...[`${id}0`, id.slice(1), id.replaceAll('-', '\u2010'), '*', ''],
      ])
        expect([user, seen(await target.nodes[0].call(auth, undefined, basic(user, secret)))]).toEqual([
          user,
          wrong,
        ]);
      expect(lookUps(target)).toBe(0);
    }));
});

describe('attacks on apps that are not open', () => {
  const closed: [string, (target: Target) => unknown][] = [
    ['without secrets', (target) => changeApp(target, robot, { secrets: [] })],
    [
      'that AWS alone vouches for',
      (target) => changeApp(target, robot, { secrets: [], awsPrincipals: [knownRole] }),
    ],
    ['that is disabled', (target) => changeApp(target, robot, { enabled: false })],
    ['that is deleted', ({ nodes }) => nodes[0].repositories.apps.table.delete(robot.id)],
    [
      'of an account that is closed',
      ({ nodes }) => nodes[0].repositories.accounts.table.set(acme, { id: acme, enabled: false }),
    ],
    ['of an account that is gone', ({ nodes }) => nodes[0].repositories.accounts.table.delete(acme)],
    [
      'whose secret has ended',
      (target) => {
        const ended = [{ id: 'ended', hash: hashSecret(robot.secret), validUntil: target.clock() }];
        changeApp(target, robot, { secrets: ended });
      },
    ],
  ];

  it.each(closed)('APP-04: an app %s is told what a wrong secret is', (_, close) =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      for (const [name, way] of appWays) {
        const expected = shown(await way(nodes[0], twin, 'wrong'));
        expect(expected.status).toBe(401);
        await close(target);
        for (const secret of [
          robot.secret,
          robot.nextSecret.slice(1),
          hashSecret(robot.secret),
          'wrong',
          ' ',
        ])
          expect([name, shown(await way(nodes[1], robot, secret))]).toEqual([name, expected]);
      }
    }),
  );

  it('APP-04: no app is opened by no secret', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      changeApp(target, robot, { secrets: [{ id: 'empty', hash: createHash('sha256').digest('hex') }] });
      for (const way of [appBy.name, appBy.header, appBy.key])
        expect(seen(await way(nodes[0], robot, ''))).toBe('400 malformed_request');
    }));
});

describe('attacks by names that are nearly those of an app', () => {
  const near = [
    ...['Robot', 'ROBOT', 'robot.', '.robot', 'robot ', ' robot', 'ro bot', 'robo', 'robots', 'robot\t'],
    ...['robot\0', 'robot\0x', '\0robot', '\uff52\uff4f\uff42\uff4f\uff54', 'r\u00f6bot', 'ro\u00adbot'],
    ...['robot\u200b', '\ufeffrobot', 'r\u043ebot', 'robo%74', 'robot%', 'r_bot', '*', `${acme}/robot`],
    ...['../robot', 'robot/', "robot' --", '\\u0072obot', robot.id, '__proto__', 'constructor'],
  ];

  it('APP-06: none of another case, form or end is the app', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      for (const [at, name] of near.entries()) {
        const body = { method: 'auth-by-app-name', acct_id: acme, name, password: robot.secret };
        const answer = await (nodes[at % 2] ?? nodes[0]).call(auth, body);
        expect([name, seen(answer)]).toEqual([name, wrong]);
      }
    }));

  it('APP-06: none that a lax table takes for the app is the app', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const { apps } = nodes[0].repositories;
      apps.findByName = async () => apps.findById(robot.id);
      const ask = (acct_id: string, name: string) =>
        nodes[1].call(auth, { method: 'auth-by-app-name', acct_id, name, password: robot.secret });
      for (const name of near) expect([name, seen(await ask(acme, name))]).toEqual([name, wrong]);
      expect(seen(await ask(globex, robot.name))).toBe(wrong);
      target.expectSessionsOf(robot.id);
      expect(seen(await ask(acme, robot.name))).toBe('200');
    }));
});
