import { verify } from '@node-rs/argon2';
import { hashPassword } from 'passport-control';
import { measuring, perSecond } from './measuring.js';

// How many passwords are verified in a second, 32 in flight, by the library alone.
const password = 'correct horse battery staple';
const hash = await hashPassword(password);
measuring((seconds) =>
  perSecond(seconds, async () => {
    if (!(await verify(hash, password))) throw new Error('a good password was refused');
  }),
);
