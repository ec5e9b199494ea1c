import { verify } from '@node-rs/argon2';
import { hashPassword } from 'passport-control';

// How many passwords are verified in a second, 32 in flight, by the library alone.
const seconds = Number(process.argv[2]);
const password = 'correct horse battery staple';
const hash = await hashPassword(password);
let [verified, since] = [0, performance.now()];
const verifyUntil = async (ends: number) => {
  while (performance.now() < ends) {
    if (!(await verify(hash, password))) throw new Error('a good password was refused');
    verified += 1;
  }
};
const run = (ends: number) => Promise.all(Array.from({ length: 32 }, () => verifyUntil(ends)));
await run(performance.now() + 500);
[verified, since] = [0, performance.now()];
await run(since + seconds * 1000);
process.stdout.write(String((verified * 1000) / (performance.now() - since)));
