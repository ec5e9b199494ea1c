import type { Request } from 'express';
import { deployment } from './deployment.js';

// How many sessions are validated in a second, while so many live in the memory store.
const [live, seconds] = process.argv.slice(2).map(Number) as [number, number];
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
async function validate(milliseconds: number): Promise<number> {
  let [validated, since] = [0, performance.now()];
  for (; performance.now() - since < milliseconds; validated += requests.length)
    for (const request of requests) await control.authenticate(request);
  return (validated * 1000) / (performance.now() - since);
}
await validate(1000);
process.stdout.write(String(await validate(seconds * 1000)));
process.exit();
