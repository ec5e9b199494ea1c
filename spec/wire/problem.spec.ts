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
