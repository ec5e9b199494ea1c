import type { RequestHandler } from 'express';
import { type AwsSignInOptions, awsSignIn } from 'passport-control/aws';
import { type StsCaller, stsDouble } from 'passport-control/testing';
import { listen } from '../listen.js';

/** A Security Token Service of this machine, which knows these key pairs and nothing else of AWS. */
export async function startSts(callers: readonly StsCaller[]): Promise<string> {
  const { server, origin } = await listen('0');
  server.on('request', stsDouble(callers).listener);
  return origin;
}

/** Signs as an app at AWS would, by the key pair that the page has sent: what it answers is the body of the sign-in. */
export function signForAws(options: Omit<AwsSignInOptions, 'credentials'>): RequestHandler {
  return async ({ body }, response) => {
    response.set('Cache-Control', 'no-store');
    const { accessKeyId, secretAccessKey } = body ?? {};
    if (![accessKeyId, secretAccessKey].every((each) => typeof each === 'string' && each !== '')) {
      const path = accessKeyId ? 'secretAccessKey' : 'accessKeyId';
      response.status(400).json({ errors: [{ path, detail: 'must be a text' }] });
      return;
    }
    response.json(await awsSignIn({ ...options, credentials: { accessKeyId, secretAccessKey } })());
  };
}
