import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { memoryRepositories, passportControl } from '../../lib/index.js';
import { stsDouble } from '../../lib/testing/index.js';
import { knownRole, role, user } from '../support/aws.js';
import { root } from '../support/example.js';
import { keyAndCertificate } from '../support/keys.js';
import { acme, robot } from '../support/people.js';

const run = promisify(execFile);
const audience = 'https://app.example';
/** The user of a key pair without a token, who is the robot too. */
const keyPair = { ...user, arn: 'arn:aws:iam::123456789012:user/robot' };
const sts = stsDouble([role, keyPair]);
const knownUser = { ...knownRole, type: 'user', name: 'robot', uniqueId: user.userId } as const;
const credentials = {
  AWS_ACCESS_KEY_ID: role.accessKeyId,
  AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
  AWS_SESSION_TOKEN: role.sessionToken ?? '',
};

let folder: string;
const servers: http.Server[] = [];

async function listening(server: http.Server): Promise<number> {
  servers.push(server.listen(0, '127.0.0.1'));
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

/** The block of this language in the README that has these words. */
async function block(language: string, words: string): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  const [found, ...more] = blocks.filter(([, of, text]) => of === language && text?.includes(words));
  if (found === undefined || more.length > 0) throw new Error(`there is no one block of ${language}`);
  return found[2] ?? '';
}

/** A service in which robot is the role, and what its answer to a client says. */
let service: string;
const signedIn = (stdout: string) => JSON.parse(stdout).entity_id;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aws-clients-'));
  const control = passportControl({
    repositories: memoryRepositories({
      apps: [
        {
          id: robot.id,
          accountId: acme,
          name: robot.name,
          secrets: [],
          awsPrincipals: [knownRole, knownUser],
        },
      ],
    }),
    secret: randomBytes(32),
    aws: { audience, regions: ['eu-west-1'] },
    secondFactor: false,
    fetch: sts.fetch,
  });
  const app = express().use('/sys/v1', control.router);
  service = `http://127.0.0.1:${await listening(http.createServer(app))}`;
});

afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command with nothing in its environment but this. */
async function runWith(command: string, given: string[], env: Record<string, string>): Promise<string> {
  const { PATH = '' } = process.env;
  const own = { PATH, HOME: folder, SERVICE: service, ACCOUNT: acme, ...env };
  return (await run(command, given, { env: own, cwd: root })).stdout;
}

describe('what the README has for callers of aws-iam', () => {
  /** The block for Node, with what it takes for granted around it. */
  const node = async () => {
    const lines = await block('ts', 'passport-control/aws');
    const known = 'const { SERVICE: service, ACCOUNT: accountId } = process.env;\n';
    return `${lines.replace('const signIn', `${known}const signIn`)}console.log(await answer.text());\n`;
  };
  const runNode = async (env: Record<string, string>) =>
    runWith(process.execPath, ['--input-type=module', '-e', await node()], env);

  it('signs in from Node by the credentials of the environment, as a Lambda has them', async () => {
    expect(signedIn(await runNode(credentials))).toBe(robot.id);
    await expect(runNode({ AWS_EC2_METADATA_DISABLED: 'true' })).rejects.toThrow(/CredentialsProviderError/);
  });

  it('signs in from Node by a profile, and by the credentials of a container', async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = role;
    const profile = { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey };
    const lines = Object.entries({ ...profile, aws_session_token: sessionToken });
    const file = join(folder, 'credentials');
    await writeFile(file, `[robot]\n${lines.map((line) => line.join(' = ')).join('\n')}\n`);
    const byProfile = await runNode({ AWS_PROFILE: 'robot', AWS_SHARED_CREDENTIALS_FILE: file });
    expect(signedIn(byProfile)).toBe(robot.id);

    const given = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken };
    const expiring = { ...given, Expiration: new Date(Date.now() + 3_600_000).toISOString() };
    const container = http.createServer((_request, response) => {
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(expiring));
    });
    const uri = `http://127.0.0.1:${await listening(container)}/credentials`;
    expect(signedIn(await runNode({ AWS_CONTAINER_CREDENTIALS_FULL_URI: uri }))).toBe(robot.id);
  });

  it('signs in from Python, with botocore', async () => {
    const script = join(folder, 'sign_in.py');
    await writeFile(script, await block('py', 'botocore'));
    const knows = (python: string) => run(python, ['-c', 'import botocore']).then(() => python);
    const python = await Promise.any(['python3', '/usr/bin/python3'].map(knows)).catch(() => {
      throw new Error("This spec signs by botocore: install Debian's python3-botocore.");
    });
    expect(signedIn(await runWith(python, [script], credentials))).toBe(robot.id);
    const wrong = { ...credentials, AWS_SECRET_ACCESS_KEY: 'another' };
    await expect(runWith(python, [script], wrong)).rejects.toThrow(/401/);
  });

  it('signs in from a shell, with curl', async () => {
    await run('jq', ['--version']).catch(() => {
      throw new Error("This spec reads what curl has signed: install Debian's jq.");
    });
    // The host of AWS, on this machine.
    const { privateKey: key, certificate: cert } = keyAndCertificate('sts.eu-west-1.amazonaws.com');
    const port = await listening(https.createServer({ key, cert }, sts.listener));
    const settings = `insecure\nconnect-to = "sts.eu-west-1.amazonaws.com:443:127.0.0.1:${port}"\n`;
    await writeFile(join(folder, '.curlrc'), settings);
    const script = join(folder, 'sign-in.sh');
    await writeFile(script, await block('sh', '--aws-sigv4'));
    const { accessKeyId, secretAccessKey } = keyPair;
    const withoutToken = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    for (const env of [credentials, withoutToken])
      expect(signedIn(await runWith('sh', [script], { ...env, CURL_HOME: folder }))).toBe(robot.id);
  });
});
