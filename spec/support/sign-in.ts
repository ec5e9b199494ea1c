import { expect } from '@jest/globals';
import { basic, bearer, type TestApp } from './app.js';
import { alice, robot } from './people.js';

const path = '/sys/v1/session/auth';

/** Signs alice in with her password; the headers of her Bearer session. */
export async function signInAlice({ post }: TestApp): Promise<Record<string, string>> {
  const answer = await post(path, { method: 'password', email: alice.email, password: alice.password });
  expect(answer.status).toBe(200);
  return bearer(answer.body.access_token);
}

/** Signs the app robot in with its API key; the headers of its Bearer session. */
export async function signInRobot({ post }: TestApp): Promise<Record<string, string>> {
  const answer = await post(path, undefined, basic(robot.id, robot.secret));
  expect(answer.status).toBe(200);
  return bearer(answer.body.access_token);
}

/** The headers that present the session of an answer. */
export function presentingAnswer(answer: {
  body: { access_token?: string };
  headers: Record<string, unknown>;
}): Record<string, string> {
  if (answer.body.access_token !== undefined) return bearer(answer.body.access_token);
  const [cookie = ''] = answer.headers['set-cookie'] as string[];
  return { Cookie: cookie.split(';')[0] ?? '' };
}

/** Signs the app robot in as a Cookie; the headers that a client sends it back with. */
export async function signInRobotByCookie({ post }: TestApp): Promise<Record<string, string>> {
  const answer = await post(path, { token_type: 'Cookie' }, basic(robot.id, robot.secret));
  expect(answer.status).toBe(200);
  return presentingAnswer(answer);
}
