import type { Request } from 'express';
import { deployment } from './deployment.js';
import { measuring } from './measuring.js';

// How many sessions are validated in a second, while so many live in the memory store.
const live = Number(process.argv[2]);
const { control, tokens, fill } = await deployment();
fill(live - tokens.length);
const requests = tokens.map(
  (token) =>
    ({
      method: 'GET',
      headers: { authorization: `Bearer ${token}` },
      rawHeaders: ['Authorization', `Bearer ${token}`],
      ip: '127.0.0.1',
    }) as unknown as Request,
);
measuring(async (seconds) => {
  const since = performance.now();
  let validated = 0;
  for (; performance.now() - since < seconds * 1000; validated += requests.length)
    for (const request of requests) await control.authenticate(request);
  return (validated * 1000) / (performance.now() - since);
});
