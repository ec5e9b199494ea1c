import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Takes a port of this machine; 0 takes any. Where that fails it says so in one line and ends the process. */
export async function listen(port: string): Promise<{ server: Server; origin: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      giveUp(code === 'EADDRINUSE' ? `port ${port} is taken; choose another, as in PORT=3001` : message);
    });
    if (!/^\d+$/.test(port) || Number(port) > 65535) giveUp('PORT must be a number from 0 to 65535');
    server.listen(Number(port), 'localhost', resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return { server, origin: new URL(`http://localhost:${taken}`).origin };
}

function giveUp(why: string): never {
  console.error(`The console cannot start: ${why}.`);
  process.exit(1);
}
