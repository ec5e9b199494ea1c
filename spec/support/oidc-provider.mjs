/**
 * Runs oidc-provider in a process of its own: `node oidc-provider.mjs CONFIGURATION`, with the configuration as JSON. It
 * says its issuer on a line of the standard output when it is ready, and ends with the standard input. Whatever login is
 * typed is somebody's, and all addresses but bob's are verified.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  ...JSON.parse(process.argv[2] ?? ''),
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== 'bob' }),
  }),
});
server.on('request', provider.callback());
process.stdin.resume().once('end', () => process.exit());
process.stdout.write(`${issuer}\n`);
