import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';

/**
 * SHA-256, and HMAC by it where there is a key, as the signer of the AWS SDK wants to be given it; by Node's own, so that it
 * takes no further package.
 */
export class Sha256 {
  private hash: Hash | Hmac;

  constructor(private readonly secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = this.started();
  }

  update(chunk: Uint8Array): void {
    this.hash.update(chunk);
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }

  reset(): void {
    this.hash = this.started();
  }

  private started(): Hash | Hmac {
    const { secret } = this;
    if (secret === undefined) return createHash('sha256');
    const key = typeof secret === 'string' ? Buffer.from(secret) : bytesOf(secret);
    return createHmac('sha256', key);
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
