import { authByAppName } from './auth-by-app-name.js';
import { awsIam } from './aws-iam.js';
import { basic } from './basic.js';
import { ldapBasicAuth } from './ldap-basic-auth.js';
import type { Method } from './method.js';
import { oauthAuthCode } from './oauth-auth-code.js';
import { password } from './password.js';
import { samlResponse } from './saml-response.js';

/** All methods, by their names on the wire. A new method is one line here. */
export const methods = {
  basic,
  password,
  'auth-by-app-name': authByAppName,
  'oauth-auth-code': oauthAuthCode,
  'saml-response': samlResponse,
  'ldap-basic-auth': ldapBasicAuth,
  'aws-iam': awsIam,
} as const satisfies Record<string, Method>;

/** The name of a method: its `method` on the wire, or `basic` for the Basic header. */
export type MethodName = keyof typeof methods;

/** Whether there is a method of this name. */
export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(methods, name);
}
