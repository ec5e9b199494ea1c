import { isoCBOR } from '@simplewebauthn/server/helpers';
import type { SoftwareAssertion, SoftwareAttestation } from '../../lib/testing/index.js';

/** What an answer of an authenticator tells, byte by byte. */
export interface Told {
  /** The text of the client data. */
  clientData: string;
  /** In hex. */
  rpIdHash: string;
  flags: number;
  counter: number;
  /** What follows: the credential and the extensions. In hex. */
  rest: string;
}

/** Reads what an assertion tells. */
export function toldBy({ response }: SoftwareAssertion): Told {
  return told(response.clientDataJSON, Buffer.from(response.authenticatorData, 'base64url'));
}

/** What an attestation tells beside that. */
export interface Attested extends Told {
  fmt: string;
  attStmt: Map<string, unknown>;
  /** In hex. */
  aaguid: string;
  /** In base64url. */
  id: string;
  /** In hex: the COSE key and the extensions. */
  publicKey: string;
  authData: Uint8Array;
}

/** Reads what an attestation tells. */
export function attestedBy({ response }: SoftwareAttestation): Attested {
  const object = isoCBOR.decodeFirst<Map<string, never>>(
    Uint8Array.from(Buffer.from(response.attestationObject, 'base64url')),
  );
  const authData: Uint8Array = object.get('authData') ?? new Uint8Array();
  const data = Buffer.from(authData);
  const end = 55 + data.readUInt16BE(53);
  return {
    ...told(response.clientDataJSON, data),
    ...{ fmt: object.get('fmt') ?? '', attStmt: object.get('attStmt') ?? new Map(), authData },
    aaguid: data.subarray(37, 53).toString('hex'),
    id: data.subarray(55, end).toString('base64url'),
    publicKey: data.subarray(end).toString('hex'),
  };
}

function told(clientDataJSON: string, data: Buffer): Told {
  return {
    clientData: Buffer.from(clientDataJSON, 'base64url').toString(),
    rpIdHash: data.subarray(0, 32).toString('hex'),
    flags: data[32] ?? 0,
    counter: data.readUInt32BE(33),
    rest: data.subarray(37).toString('hex'),
  };
}
