import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import type { RequestHandler } from 'express';
import type { AuditEvent } from '../../lib/index.js';
import { basic, testApp } from '../support/app.js';
import { alice, robot } from '../support/people.js';

const auth = '/sys/v1/session/auth';
const told = () => new Promise((resolve) => setTimeout(resolve, 10));
/** Gives requests these ids, one after another. */
const ids = (...given: unknown[]): RequestHandler => {
  return (request, _response, next) => {
    Object.assign(request, { id: given.shift() });
    next();
  };
};

describe('what an event says of the request', () => {
  it('is its address and the id that a middleware of the host has given it', async () => {
    const app = await testApp({
      before: [ids('first', 2, undefined, { odd: true }, '', 'x'.repeat(129), 'a\r\nb')],
    });
    for (let n = 0; n < 7; n += 1) await app.post(auth, undefined, basic(alice.email, 'wrong'));
    await told();
    const failures = app.events.filter(({ type }) => type === 'sign_in_failed');
    expect(failures).toMatchObject(
      ['first', '2', ...Array(5).fill(null)].map((requestId) => ({
        requestId,
        address: expect.stringMatching(/127/),
      })),
    );
  });

  it('is there for sign-ins, for what is guessed, and for accounts that are selected', async () => {
    const app = await testApp({ before: [ids('one', 'two', 'three')], lockout: { failures: 1 } });
    await app.post(auth, undefined, basic(robot.id, robot.secret));
    await app.post(auth, undefined, basic(alice.email, 'wrong'));
    await app.post(auth, undefined, basic(alice.email, alice.password));
    await told();
    expect(
      app.events.map((event) => [event.type, 'requestId' in event ? event.requestId : undefined]),
    ).toEqual([
      ['signed_in', 'one'],
      ['sign_in_failed', 'two'],
      ['locked', 'two'],
      ['sign_in_failed', 'three'],
    ]);
  });

  it('is what the host has in its own context, also where the event itself cannot tell', async () => {
    const storage = new AsyncLocalStorage<string>();
    const heard: [AuditEvent['type'], string | undefined][] = [];
    let n = 0;
    const app = await testApp({
      before: [
        (_request, _response, next) => {
          n += 1;
          storage.run(`request ${n}`, next);
        },
      ],
      onEvent: ({ type }) => heard.push([type, storage.getStore()]),
    });
    const signedIn = await app.post(auth, undefined, basic(robot.id, robot.secret));
    const headers = { Authorization: `Bearer ${signedIn.body.access_token}` };
    await app.post('/sys/v1/session/terminate', undefined, headers);
    app.faults.users.break('findByEmail', 'reject');
    await app.post(auth, undefined, basic(alice.email, alice.password));
    await told();
    expect(heard).toEqual([
      ['signed_in', 'request 1'],
      ['session_ended', 'request 2'],
      ['dependency_failed', 'request 3'],
    ]);
  });
});
