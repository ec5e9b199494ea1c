/**
 * What this package must withstand, by component: the rows of the catalogue of attacks that its specs are named after. A row is
 * covered by the specs that have its id in their title. One that no spec can be written for says why.
 */

const upTo = (last, ...without) =>
  Array.from({ length: last }, (_, index) => index + 1).filter((row) => !without.includes(row));

/** @type {readonly { id: string; component: string; rows: readonly number[]; notApplicable?: Record<number, string>; elsewhere?: Record<number, string> }[]} */
export const catalogue = [
  { id: 'HTTP', component: 'requests and bodies', rows: upTo(20, 9) },
  { id: 'PWD', component: 'passwords', rows: upTo(16, 2, 8) },
  { id: 'APP', component: 'apps', rows: upTo(7) },
  {
    ...{ id: 'SAML', component: 'saml-response', rows: upTo(39, 19, 20, 27, 34) },
    notApplicable: { 39: 'metadata is read when the host hands it over, and never fetched' },
  },
  { id: 'OIDC', component: 'oauth-auth-code', rows: upTo(24, 15) },
  { id: 'LDAP', component: 'ldap-basic-auth', rows: upTo(17, 7) },
  {
    ...{ id: 'AWS', component: 'aws-iam', rows: upTo(17, 9, 16) },
    notApplicable: { 17: 'no environment is read: the host’s fetch goes through what it likes' },
  },
  { id: 'FIDO', component: 'FIDO2', rows: upTo(30, 4, 11, 16) },
  { id: 'U2F', component: 'U2F', rows: upTo(9, 3) },
  { id: 'MFA', component: 'second factor', rows: upTo(16, 10) },
  { id: 'SES', component: 'sessions', rows: upTo(24, 4, 7, 23) },
  {
    ...{ id: 'FLT', component: 'faults', rows: upTo(16, 1, 3, 5) },
    elsewhere: { 16: 'npm run soak, which takes five minutes, and a shorter one with the servers' },
  },
  { id: 'RACE', component: 'races', rows: upTo(13) },
  { id: 'ENUM', component: 'guessing and enumeration', rows: upTo(10) },
  { id: 'TEN', component: 'tenants', rows: upTo(8, 1) },
  { id: 'LOG', component: 'logs and events', rows: upTo(7) },
];
