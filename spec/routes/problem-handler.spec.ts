import { describe, expect, it } from '@jest/globals';
import express, { type ErrorRequestHandler } from 'express';
import supertest from 'supertest';
import { AuthError, type PassportControl, problemHandler } from '../../lib/index.js';
import { bearer, testApp } from '../support/app.js';
import { alices, makeSession, presenting } from '../support/session-maker.js';

/** A host whose handlers ask the control by themselves, and hand on what it throws. */
function hostOf({ authenticate, devices }: PassportControl) {
  const host = express();
  host.get('/old', (request, response, next) => {
    authenticate(request, { freshWithin: 60 }).then(() => response.json('let in'), next);
  });
  host.post('/approve', express.json(), (request, response, next) => {
    devices.verify(request, request.body).then((device) => response.json(device), next);
  });
  host.get('/busy', (_request, _response, next) =>
    next(new AuthError('too_many_requests', { retryAfter: 7.2 })),
  );
  host.get('/half', (_request, response, next) => {
    response.set({
      'Content-Encoding': 'gzip',
      'Content-Length': '5',
      ETag: '"old"',
      'Access-Control-Allow-Origin': 'https://a.example',
    });
    next(new AuthError('session_required'));
  });
  host.get('/late', (_request, response, next) => {
    response.write('half an ans');
    next(new AuthError('unavailable'));
  });
  host.get('/other', (_request, _response, next) => next(new TypeError('of the host')));
  const others: unknown[] = [];
  const other: ErrorRequestHandler = (error, _request, response, _next) => {
    others.push(error);
    if (response.headersSent) response.destroy();
    else response.status(500).end();
  };
  host.use(problemHandler, other);
  return { host, others };
}

describe('problemHandler', () => {
  it('answers what control.authenticate() throws as requireSession() does', async () => {
    const app = await testApp();
    const { host } = hostOf(app.control);
    const headers = presenting(await makeSession(app, alices));
    app.clock.advance(61);
    const stale = await supertest(host).get('/old').set(headers);
    expect([stale.status, stale.type, stale.body]).toEqual([
      401,
      'application/problem+json',
      {
        type: 'urn:passport-control:problem:fresh_sign_in_required',
        title: 'The sign-in is too long ago for this: sign in again.',
        status: 401,
        code: 'fresh_sign_in_required',
      },
    ]);
    expect(stale.headers).toMatchObject({
      'www-authenticate': 'Bearer error="insufficient_user_authentication", max_age="60"',
      'cache-control': 'no-store',
    });
    const bad = await supertest(host)
      .get('/old')
      .set(bearer('A'.repeat(86)));
    expect(bad.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  });

  it('names the wrong fields of what control.devices was given', async () => {
    const app = await testApp();
    const headers = presenting(await makeSession(app, alices));
    const answer = await supertest(hostOf(app.control).host).post('/approve').set(headers).send({});
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
    expect(answer.body.errors).toContainEqual({ path: 'id', detail: expect.any(String) });
  });

  it('says when to come again', async () => {
    const { host } = hostOf((await testApp()).control);
    const answer = await supertest(host).get('/busy');
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '8']);
  });

  it('leaves nothing of the answer that had been begun, but what is of the host', async () => {
    const { host } = hostOf((await testApp()).control);
    const answer = await supertest(host).get('/half');
    expect([answer.status, answer.body.code]).toEqual([401, 'session_required']);
    const { etag, 'content-encoding': encoding, 'access-control-allow-origin': allowed } = answer.headers;
    expect([etag, encoding, allowed]).toEqual([
      expect.not.stringContaining('old'),
      undefined,
      'https://a.example',
    ]);
  });

  it('hands on what is none of its own, and what comes when the answer has begun', async () => {
    const { host, others } = hostOf((await testApp()).control);
    expect((await supertest(host).get('/other')).status).toBe(500);
    await expect(supertest(host).get('/late')).rejects.toThrow();
    expect(others).toEqual([expect.any(TypeError), expect.any(AuthError)]);
  });
});
