import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import type { KeyAndCertificate } from './keys.js';
import { type Serving, serving } from './serving.js';

const home = '/usr/share/simplesamlphp';
const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';

/** How an identity provider of SimpleSAMLphp is set up. */
export interface SimpleSamlOptions {
  keys: KeyAndCertificate;
  /** Where it reads the service provider's metadata. */
  metadataUrl: string;
  /** By name, what else its hosted metadata says. */
  hosted?: Record<string, boolean | string>;
}

/** An identity provider that runs. Its only user is `alice`, whose password is `alice at the provider`. */
export interface SimpleSaml {
  entityId: string;
  ssoUrl: string;
  /** Its own metadata, where it serves them. */
  metadataUrl: string;
  stop(): Promise<void>;
}

/** Starts Debian's SimpleSAMLphp on a free port, as an identity provider that takes signed requests only. */
export async function simpleSaml({ keys, metadataUrl, hosted = {} }: SimpleSamlOptions): Promise<SimpleSaml> {
  await Promise.all([access(home), access('/usr/bin/php')]).catch(() => {
    throw new Error(
      "These specs sign in at SimpleSAMLphp: install Debian's simplesamlphp, php-cli and php-xml.",
    );
  });
  const folder = await mkdtemp(join(tmpdir(), 'simplesamlphp-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  for (const each of ['cert', 'data', 'log', 'metadata', 'sessions', 'tmp']) await mkdir(join(folder, each));
  const files = {
    'cert/key.pem': keys.privateKey,
    'cert/certificate.pem': keys.certificate,
    'config.php': php('$config', {
      ...{ baseurlpath: `${origin}/`, timezone: 'UTC', secretsalt: 'salt of the specs' },
      ...{ certdir: `${folder}/cert/`, datadir: `${folder}/data/`, loggingdir: `${folder}/log/` },
      ...{ metadatadir: `${folder}/metadata/`, tempdir: `${folder}/tmp` },
      'auth.adminpassword': 'nobody signs in with this',
      'logging.handler': 'errorlog',
      'enable.saml20-idp': true,
      'module.enable': { core: true, exampleauth: true, saml: true },
      'metadata.sources': [{ type: 'flatfile' }, { type: 'xml', url: metadataUrl }],
      'session.phpsession.savepath': `${folder}/sessions`,
      ...{ 'session.cookie.secure': false, 'session.cookie.samesite': null },
      ...{ 'language.cookie.secure': false, 'language.cookie.samesite': null },
    }),
    'authsources.php': php('$config', {
      people: {
        0: 'exampleauth:UserPass',
        'alice:alice at the provider': { uid: ['alice-1'], mail: ['alice@example.com'] },
      },
    }),
    'metadata/saml20-idp-hosted.php': php('$metadata', {
      [`${origin}/idp`]: {
        ...{ host: '__DEFAULT__', privatekey: 'key.pem', certificate: 'certificate.pem', auth: 'people' },
        'validate.authnrequest': true,
        NameIDFormat: persistent,
        authproc: { 10: { class: 'saml:AttributeNameID', attribute: 'uid', Format: persistent } },
        ...hosted,
      },
    }),
    'metadata/saml20-sp-remote.php': php('$metadata', {}),
  };
  await Promise.all(Object.entries(files).map(([path, text]) => writeFile(join(folder, path), text)));
  const server: Serving = await serving(
    ['/usr/bin/php', '-S', `127.0.0.1:${port}`, '-t', `${home}/www`],
    /Development Server .* started/,
    { SIMPLESAMLPHP_CONFIG_DIR: folder },
  );
  return {
    entityId: `${origin}/idp`,
    ssoUrl: `${origin}/saml2/idp/SSOService.php`,
    metadataUrl: `${origin}/saml2/idp/metadata.php`,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function php(name: string, value: object): string {
  const json = JSON.stringify(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `<?php ${name} = json_decode('${json}', true);\n`;
}
