import { describe, expect, it } from '@jest/globals';
import express from 'express';
import supertest from 'supertest';
import { AuthError, type ProblemCode, problems } from '../../lib/index.js';
import { sendProblem } from '../../lib/wire/problem.js';

const answering = (error: AuthError) =>
  supertest(express().use((request, response) => sendProblem(request, response, error))).post('/');

describe('a problem', () => {
  it.each(Object.keys(problems) as ProblemCode[])('%s has the form of RFC 9457', async (code) => {
    const answer = await answering(new AuthError(code));
    expect(answer.status).toBe(problems[code].status);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(answer.text)).toEqual({
      type: `urn:passport-control:problem:${code}`,
      title: problems[code].title,
      status: problems[code].status,
      code,
    });
  });

  it('carries its detail, its fields, its headers and when to come back', async () => {
    const fields = [{ path: 'email', detail: 'is required' }];
    const options = { detail: 'A sentence.', fields, retryAfter: 1.2, headers: { Allow: 'POST' } };
    const { headers, text } = await answering(new AuthError('too_many_requests', options));
    expect([headers.allow, headers['retry-after']]).toEqual(['POST', '2']);
    expect(JSON.parse(text)).toMatchObject({ detail: 'A sentence.', errors: fields });
  });

  it('never asks to come back at once', async () => {
    const { headers } = await answering(new AuthError('too_many_requests', { retryAfter: 0 }));
    expect(headers['retry-after']).toBe('1');
  });
});

describe('the challenge of a 401', () => {
  const challenge = async (code: ProblemCode, headers: Record<string, string> = {}) =>
    (await answering(new AuthError(code)).set(headers)).headers['www-authenticate'];

  it.each([
    ['credentials_required', 'Bearer'],
    ['invalid_credentials', 'Bearer'],
    ['session_required', 'Bearer'],
    ['invalid_session', 'Bearer error="invalid_token"'],
    ['second_factor_required', 'Bearer error="insufficient_user_authentication"'],
    ['enrolment_required', 'Bearer error="insufficient_user_authentication"'],
  ] as const)('%s: %s', async (code, expected) => {
    expect(await challenge(code)).toBe(expected);
    expect(await challenge(code, { Authorization: 'Bearer x' })).toBe(expected);
  });

  it('offers Basic beside Bearer to a request that carried Basic, well-formed or not', async () => {
    const both = 'Bearer, Basic realm="session", charset="UTF-8"';
    for (const header of ['Basic YTpi', 'basic !', 'BASIC'])
      expect(await challenge('invalid_credentials', { Authorization: header })).toBe(both);
    expect(await challenge('invalid_session', { Authorization: 'Basic YTpi' })).toBe(
      'Bearer error="invalid_token", Basic realm="session", charset="UTF-8"',
    );
    for (const header of ['xBasic YTpi', 'Basics YTpi', 'Bearer Basic'])
      expect(await challenge('invalid_credentials', { Authorization: header })).toBe('Bearer');
  });

  it('never offers Basic to a browser, which would open a dialog', async () => {
    for (const name of [
      'Sec-Fetch-Site',
      'Sec-Fetch-Mode',
      'Sec-Fetch-Dest',
      'Sec-Fetch-User',
      'sec-fetch-x',
    ]) {
      const headers = { Authorization: 'Basic YTpi', [name]: 'x' };
      expect([name, await challenge('invalid_credentials', headers)]).toEqual([name, 'Bearer']);
    }
  });

  it('stands on no other status', async () => {
    const others = (Object.keys(problems) as ProblemCode[]).filter((code) => problems[code].status !== 401);
    for (const code of others)
      expect([code, await challenge(code, { Authorization: 'Basic YTpi' })]).toEqual([code, undefined]);
  });
});
