import { createHash, sign } from 'node:crypto';
import { type ByteChange, changed, sha256, uint32 } from './authenticator-change.js';
import type { SoftwareCredential } from './authenticator-keys.js';

/** What a key is asked by U2F itself. */
export interface SoftwareU2fRequest {
  u2f_challenge: string;
  appId: string;
  origin: string;
}

/** What signing by U2F does differently. */
export interface U2fChange {
  /** Changes the client data before it becomes text. */
  clientData?: (data: Record<string, unknown>) => unknown;
  /** Stands in for the SHA-256 of the AppID. */
  appIdHash?: Uint8Array;
  /** Stands in for the byte that says whether somebody was there. */
  presence?: number;
  /** Stands in for the counter. */
  counter?: number;
  /** Changes what is signed, and nothing else. */
  signed?: ByteChange;
  /** Changes the signature. */
  signature?: ByteChange;
  /** Changes the answer as a whole. */
  json?: (answer: SoftwareU2fAnswer) => unknown;
}

/** What U2F's JavaScript API calls a sign response. */
export interface SoftwareU2fAnswer {
  keyHandle: string;
  signatureData: string;
  clientData: string;
}

/** The public key of a credential as U2F has it: an uncompressed point in 65 bytes. */
export function rawKeyOf({ privateKey }: SoftwareCredential): Uint8Array<ArrayBuffer> {
  const { x = '', y = '' } = privateKey.export({ format: 'jwk' });
  const point = [x, y].map((text) => Buffer.from(text, 'base64url'));
  return Uint8Array.from(Buffer.concat([Buffer.from([0x04]), ...point]));
}

/** Signs a challenge by U2F, as FIDO U2F Raw Message Formats 1.2 (section 5) says. */
export function u2fAnswerOf(
  credential: SoftwareCredential,
  { u2f_challenge: challenge, appId, origin }: SoftwareU2fRequest,
  change: U2fChange,
): SoftwareU2fAnswer {
  const data = { typ: 'navigator.id.getAssertion', challenge, origin };
  const clientData = Buffer.from(JSON.stringify(change.clientData ? change.clientData(data) : data));
  const presence = Buffer.from([change.presence ?? 0x01]);
  const head = Buffer.concat([presence, uint32(change.counter ?? credential.counter)]);
  const appIdHash = change.appIdHash ?? createHash('sha256').update(appId).digest();
  const signed = changed(Buffer.concat([appIdHash, head, sha256(clientData)]), change.signed);
  const signature = changed(sign('sha256', signed, credential.privateKey), change.signature);
  const answer = {
    keyHandle: credential.id,
    signatureData: Buffer.concat([head, signature]).toString('base64url'),
    clientData: clientData.toString('base64url'),
  };
  return change.json ? (change.json(answer) as SoftwareU2fAnswer) : answer;
}

/** What the credential would have answered at its registration; the certificate in it is none but in form. */
export function u2fRegistrationOf(credential: SoftwareCredential): Uint8Array {
  const keyHandle = Buffer.from(credential.id, 'base64url');
  const certificate = Buffer.from([0x30, 0x00]);
  const head = [Buffer.from([0x05]), rawKeyOf(credential), Buffer.from([keyHandle.length]), keyHandle];
  return Buffer.concat([...head, certificate, sign('sha256', keyHandle, credential.privateKey)]);
}
