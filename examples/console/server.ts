import { randomBytes } from 'node:crypto';
import express from 'express';
import { passportControl } from 'passport-control';
import { banner } from './banner.js';
import { whoAmI } from './host-routes.js';
import { listen } from './listen.js';
import { page } from './page.js';
import { people, seededRepositories } from './people.js';
import { signForAws, startSts } from './providers/aws.js';
import { startProviders } from './providers/index.js';

const { server, origin } = await listen(process.env.PORT ?? '3000');

// Where identity providers send browsers back to, and the two of Acme's, which the demo brings along.
const serviceProvider = { entityId: `${origin}/sys/v1/saml/metadata.xml`, acsUrl: `${origin}/acs` };
const redirectUri = `${origin}/callback`;
const accountId = people.alice.accountIds[0] ?? '';
const providers = await startProviders({ ...serviceProvider, redirectUri, accountId });

// What apps at AWS sign for: this demo, at a Security Token Service that it brings along too.
const { robot, aws } = people;
const sts = await startSts([aws.robot, aws.stranger]);
const signedFor = { region: aws.region, audience: origin, stsEndpoint: sts };

// The session API, with everything in memory: it starts empty, and its tokens end with the process.
const control = passportControl({
  repositories: await seededRepositories(providers.records),
  secret: randomBytes(32),
  relyingParty: { id: 'localhost', name: 'passport-control console', origins: [origin] },
  serviceProvider,
  aws: { audience: origin, regions: [aws.region], stsEndpoint: () => sts },
  session: { cookie: { dangerouslyAllowHttpOnLocalhost: true } },
});

const app = express();
app.use('/sys/v1', control.router);
app.post('/acs', control.samlAcs({ redirectTo: '/' }));
app.get('/callback', control.oauthCallback({ redirectTo: '/' }));

// Two routes of the host's own, behind its guard.
app.get('/api/whoami', control.requireSession(), whoAmI);
app.get('/api/robots-only', control.requireSession({ principal: 'app', allowApiKey: true }), whoAmI);

// Signs as the app would at AWS, where it has the key pair; here the page has it.
app.post('/api/aws-request', express.json(), signForAws({ ...signedFor, accountId: robot.accountId }));

// The page, and the credentials that it offers to fill in.
app.get('/people.json', (_request, response) => {
  response.json(people);
});
app.use(page(providers.origin));

server.on('request', app);
console.log(banner(origin, sts));
