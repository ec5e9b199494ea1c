import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { stsDouble } from '../../../lib/testing/index.js';
import { attack } from '../../support/attack.js';
import { knownRole, region, role, setPrincipals, signed } from '../../support/aws.js';
import { acme, robot } from '../../support/people.js';

/** Serves on a port of this machine that is free. */
async function serving(listener: http.RequestListener): Promise<{ server: http.Server; host: string }> {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

it('AWS-01, AWS-02: nothing is ever sent to where region, headers or STS itself point', async () => {
  const contacts: string[] = [];
  const canary = await serving((request, response) => {
    contacts.push(`${request.method} ${request.url}`);
    response.end();
  });
  let sts = stsDouble([role]);
  const endpoint = await serving((request, response) => sts.listener(request, response));
  // The canary can be reached, and is seen to be.
  expect((await fetch(`http://${canary.host}/alive`)).status).toBe(200);
  expect(contacts.splice(0)).toEqual(['GET /alive']);

  const options = {
    aws: { audience: 'https://app.example.com', stsEndpoint: () => `http://${endpoint.host}/` },
    fetch: globalThis.fetch,
  };
  await attack(options, async (target) => {
    const { nodes, clock, expectSessionsOf, expectFaults, peer } = target;
    peer(Number(endpoint.host.split(':')[1]));
    sts = stsDouble([role], { clock });
    setPrincipals(target, [knownRole]);
    const signIn = (headers: object, more: object = {}) =>
      nodes[0].call('/sys/v1/session/auth', {
        ...{ method: 'aws-iam', acct_id: acme, region, headers },
        ...more,
      });
    let times = 0;
    const good = () => {
      times += 1; // Each of them a signature of its own.
      return signed(clock(), { host: endpoint.host, headers: { 'content-type': `text/${times}` } });
    };

    expectSessionsOf(robot.id);
    expect((await signIn(await good())).status).toBe(200);
    const { host } = canary;
    for (const odd of [`${host}/`, `x@${host}/`, `${host}#`, `${region}.${host}/`, `${region}@${host}`, host])
      expect([odd, (await signIn(await good(), { region: odd })).status]).toEqual([odd, 400]);
    expect((await signIn(await signed(clock(), { host }))).status).toBe(400);
    for (const name of ['Host', ':authority'])
      expect([name, (await signIn({ ...(await good()), [name]: host })).status]).toEqual([name, 400]);
    for (const name of [
      'X-Forwarded-Host',
      'Forwarded',
      'Location',
      'Referer',
      'Origin',
      'Proxy',
      'Via',
      'X-Amz-Host',
    ])
      expect([name, (await signIn({ ...(await good()), [name]: `http://${host}/` })).status]).toEqual([
        name,
        200,
      ]);
    const elsewhere = { url: `http://${host}/`, endpoint: host, iam_request_url: host, hostname: host };
    expect((await signIn(await good(), elsewhere)).status).toBe(200);
    expectFaults();
    for (const status of [301, 302, 303, 307, 308]) {
      sts.misbehave(() => new Response('', { status, headers: { location: `http://${host}/` } }));
      expect([status, (await signIn(await good())).status]).toEqual([status, 502]);
    }
    expect(sts.requests.length).toBeGreaterThan(10);
  });
  expect(contacts).toEqual([]);
  for (const { server } of [canary, endpoint]) await new Promise((resolve) => server.close(resolve));
});
