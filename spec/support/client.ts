import type { Client } from '../../lib/defence/audit.js';

/** Who sends requests from an address, without ids. */
export const from = (address: string): Client => ({ address, requestId: null });
