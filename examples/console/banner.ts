import { people } from './people.js';

/** What the demo says when it is ready: where it is, who may sign in, and curl lines that run as they stand. */
export function banner(origin: string, sts: string): string {
  const { accounts, alice, bob, robot, aws } = people;
  const accountsOf = (ids: readonly string[]) =>
    accounts.filter(({ id }) => ids.includes(id)).map(({ id, name }) => `${name} ${id}`);

  const auth = `${origin}/sys/v1/session/auth`;
  const json = (body: object) => `-H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
  const password = { method: 'password', email: alice.email, password: alice.password };
  const appName = {
    method: 'auth-by-app-name',
    acct_id: robot.accountId,
    name: robot.name,
    password: robot.secret,
  };
  const user = `-u '${alice.email}:${alice.password}'`;
  const apiKey = `-u '${robot.id}:${robot.secret}'`;
  const token = `TOKEN=$(curl -sS -X POST ${auth} ${user} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
  const { accessKeyId, secretAccessKey } = aws.robot;
  const atAws = { accountId: robot.accountId, region: aws.region, audience: origin, stsEndpoint: sts };
  const keyPair = `AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY='${secretAccessKey}'`;
  const signed =
    "import('passport-control/aws').then(({ awsSignIn }) => awsSignIn(" +
    `${inScript(atAws)})()).then((body) => console.log(JSON.stringify(body)))`;
  const bearer = '-H "Authorization: Bearer $TOKEN"';

  return `
passport-control console

  ${origin}

Who may sign in

  user       ${alice.email}
  password   ${alice.password}

  user       ${bob.email}
  password   ${bob.password}
  accounts   ${accountsOf(bob.accountIds).join('\n             ')}

  app        ${robot.id}
  secret     ${robot.secret}
  account    ${robot.accountId}
  name       ${robot.name}
  at AWS     ${accessKeyId}
             ${secretAccessKey}

The same in a shell

  # password: a user signs in
  curl -sSi ${auth} ${json(password)}

  # Basic, user: the same credential in a header
  curl -sSi -X POST ${auth} ${user}

  # Basic, app: the API key, which is an app's id and secret
  curl -sSi -X POST ${auth} ${apiKey}

  # auth-by-app-name: an app signs in by its account and name
  curl -sSi ${auth} ${json(appName)}

  # aws-iam: an app signs in by its key pair at AWS, which it shows to nobody
  ${keyPair} node -e "${signed}" | curl -sSi ${auth} -H 'Content-Type: application/json' -d @-

  # discover: the ways in which a user may sign in
  curl -sSi ${auth}/discover ${json({ user_email: alice.email })}

  # Bearer: takes a token and calls a protected route with it
  ${token}; curl -sSi ${origin}/api/whoami ${bearer}

  # sign out: takes a token and ends its session
  ${token}; curl -sSi -X POST ${origin}/sys/v1/session/terminate ${bearer}

  # API key: calls a protected route with no session at all
  curl -sSi ${origin}/api/robots-only ${apiKey}

Single sign-on

  Open the page, choose SSO, and go to one of the identity providers that the demo brings along, by SAML or by OpenID
  Connect. They believe whoever clicks; the third of their people is a stranger to Acme and is refused. The directory, which
  is asked by LDAP, wants a password of its own:

  ${alice.email}   ${alice.directoryPassword}
  ${bob.email}     ${bob.directoryPassword}

A second factor

  Open the page in a browser, sign in as ${alice.email} and unlock her configuration with the same password.
  Add a security key, sign out, and sign in again: the session stays pending until the key has answered, or a recovery
  code has. Whoever comes by "Acme by SAML, and a key" must enrol one before anything else.

Ctrl-C ends the demo, and every session with it.
`;
}

/** An object of texts as a script has it that stands in double quotes. */
function inScript(texts: Record<string, string>): string {
  return `{ ${Object.entries(texts)
    .map(([name, text]) => `${name}: '${text}'`)
    .join(', ')} }`;
}
