import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import express, { type RequestHandler } from 'express';
import session from 'express-session';
import { Passport } from 'passport';
import { BasicStrategy } from 'passport-http';
import { Strategy as BearerStrategy } from 'passport-http-bearer';
import { answer, ask, basic, given, type Hosted, listen, type Sent } from './host.js';

const secret = 'secret of the machine';
const hash = createHash('sha256').update(secret).digest();
const users = new Map([[answer.id, { ...answer, enabled: true }]]);

/**
 * express-session in memory, without its warning: in production it says that its memory store is not made for that. The
 * store itself stays as it is.
 */
function sessionInMemory(options: session.SessionOptions): RequestHandler {
  const { warn } = console;
  console.warn = (text: unknown, ...others: unknown[]) => {
    if (!String(text).includes('MemoryStore')) warn(text, ...others);
  };
  try {
    return session(options);
  } finally {
    console.warn = warn;
  }
}

/** Passport with express-session in memory, as its own documentation sets them up; apps sign in by passport-http. */
export async function passportSession(): Promise<Hosted> {
  const passport = new Passport();
  passport.use(
    new BasicStrategy((user, presented, done) => {
      const same = timingSafeEqual(createHash('sha256').update(presented).digest(), hash);
      done(null, same ? (users.get(user) ?? false) : false);
    }),
  );
  passport.serializeUser((user, done) => done(null, (user as typeof answer).id));
  passport.deserializeUser((id, done) => done(null, users.get(id as string) ?? false));

  const app = express();
  const secretOfSessions = randomBytes(32).toString('hex');
  app.use(sessionInMemory({ secret: secretOfSessions, resave: false, saveUninitialized: false }));
  app.use(passport.session());
  app.post('/login', passport.authenticate('basic'), (_request, response) => {
    response.json(given);
  });
  app.get('/me', (request, response) => {
    if (!request.isAuthenticated()) {
      response.status(401).json({ code: 'unauthorized' });
      return;
    }
    response.json(answer);
  });
  const { port } = await listen(app);
  const login: Sent = { method: 'POST', path: '/login', headers: basic(answer.id, secret), expected: 200 };
  const [cookie = ''] = (await ask(port, login)).headers.getSetCookie();
  const headers = { Cookie: cookie.split(';')[0] ?? '' };
  return {
    port,
    requests: { protected: [{ method: 'GET', path: '/me', headers, expected: 200 }], 'app login': [login] },
  };
}

/** passport-http-bearer with a map from tokens to users. */
export async function httpBearer(): Promise<Hosted> {
  const token = randomBytes(32).toString('base64url');
  const tokens = new Map([[token, answer.id]]);
  const passport = new Passport();
  passport.use(
    new BearerStrategy((presented, done) => {
      done(null, users.get(tokens.get(presented) ?? '') ?? false);
    }),
  );
  const app = express();
  app.get('/me', passport.authenticate('bearer', { session: false }), (_request, response) => {
    response.json(answer);
  });
  const { port } = await listen(app);
  const headers = { Authorization: `Bearer ${token}` };
  return { port, requests: { protected: [{ method: 'GET', path: '/me', headers, expected: 200 }] } };
}
