import { Worker } from 'node:worker_threads';

/** What floods: it runs in a thread of its own, so that it takes no time of the server's. */
const source = `
  const { parentPort, workerData: { port, path, bodies, count } } = require('node:worker_threads');
  const http = require('node:http');
  const post = (body) => new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    const request = http.request({ host: 'localhost', port, path, method: 'POST', headers, agent: false });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
    request.end(body);
  });
  const all = bodies.map((body) => Buffer.from(body));
  Promise.all(Array.from({ length: count }, (_, at) => post(all[at % all.length])))
    .then((statuses) => parentPort.postMessage(statuses));
`;

/** Posts JSON bodies many times at once from another thread; the statuses. */
export function floodFrom(given: {
  port: number;
  path: string;
  bodies: readonly string[];
  count: number;
}): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, workerData: given });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
