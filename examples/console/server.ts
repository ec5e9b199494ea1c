import { randomBytes } from 'node:crypto';
import express from 'express';
import { passportControl } from 'passport-control';
import { banner } from './banner.js';
import { whoAmI } from './host-routes.js';
import { listen } from './listen.js';
import { page } from './page.js';
import { people, seededRepositories } from './people.js';

const repositories = await seededRepositories();
const { server, origin } = await listen(process.env.PORT ?? '3000');

// The session API, with everything in memory: it starts empty, and its tokens end with the process.
const control = passportControl({
  repositories,
  secret: randomBytes(32),
  relyingParty: { id: 'localhost', name: 'passport-control console', origins: [origin] },
  session: { cookie: { dangerouslyAllowHttpOnLocalhost: true } },
});

const app = express();
app.use('/sys/v1', control.router);

// Two routes of the host's own, behind its guard.
app.get('/api/whoami', control.requireSession(), whoAmI);
app.get('/api/robots-only', control.requireSession({ principal: 'app', allowApiKey: true }), whoAmI);

// The page, and the credentials that it offers to fill in.
app.get('/people.json', (_request, response) => {
  response.json(people);
});
app.use(page());

server.on('request', app);
console.log(banner(origin));
