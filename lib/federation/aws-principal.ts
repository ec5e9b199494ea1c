import type { AwsPrincipal } from '../repositories/index.js';

/** What STS says of whoever has signed a request. */
export interface CallerIdentity {
  arn: string;
  account: string;
  userId: string;
}

const arnShape = /^arn:(aws|aws-cn|aws-us-gov|aws-eusc):(iam|sts)::(\d{12}):(.{1,1024})$/;
const nameShape = /^[\w+=,.@-]{1,128}$/;
const pathShape = /^(?:[!-.0-~]{1,512}\/)*$/;

/**
 * Reads who an identity is, by its ARN and its unique id. A session of a role is its role, whatever it calls itself; a root user
 * is nobody here. `null` for what does not fit together.
 */
export function awsPrincipal(
  { arn, account, userId }: CallerIdentity,
  partition: string,
): AwsPrincipal | null {
  const [, ofPartition, service, ofAccount, resource = ''] = arnShape.exec(arn) ?? [];
  if (ofPartition !== partition || ofAccount !== account) return null;
  const [type, ...rest] = resource.split('/');
  const own = { partition, awsAccountId: account };
  if (service === 'iam' && type === 'user') {
    const name = rest.pop() ?? '';
    const path = rest.map((each) => `${each}/`).join('');
    const isWhole = nameShape.test(name) && pathShape.test(path) && /^AIDA[A-Z0-9]{12,124}$/.test(userId);
    return isWhole ? { ...own, type, name, uniqueId: userId, sessionName: null } : null;
  }
  const [name = '', sessionName = '', ...more] = rest;
  if (service === 'sts' && type === 'assumed-role') {
    const [uniqueId = '', session] = split(userId);
    const isWhole = nameShape.test(name) && nameShape.test(sessionName) && more.length === 0;
    if (!isWhole || !/^AROA[A-Z0-9]{12,124}$/.test(uniqueId) || session !== sessionName) return null;
    // The path of a role is lost on the way; its unique id is not.
    return { ...own, type: 'role', name, uniqueId, sessionName };
  }
  if (service === 'sts' && type === 'federated-user') {
    const isWhole = nameShape.test(name) && rest.length === 1 && userId === `${account}:${name}`;
    return isWhole ? { ...own, type, name, uniqueId: userId, sessionName: null } : null;
  }
  return null;
}

/** A principal as the text that a session is bound to; see {@link principalOfText}. */
export function textOfPrincipal(principal: AwsPrincipal): string {
  return JSON.stringify(principal);
}

/** The principal that {@link textOfPrincipal} has written; `null` for any other text. */
export function principalOfText(text: string): AwsPrincipal | null {
  try {
    const principal: unknown = JSON.parse(text);
    return isPrincipal(principal) ? principal : null;
  } catch {
    return null;
  }
}

function isPrincipal(value: unknown): value is AwsPrincipal {
  if (typeof value !== 'object' || value === null) return false;
  const { sessionName, ...rest }: Partial<Record<keyof AwsPrincipal, unknown>> = value;
  const named = [rest.partition, rest.awsAccountId, rest.type, rest.name, rest.uniqueId];
  return (
    named.every((each) => typeof each === 'string') &&
    (sessionName === null || typeof sessionName === 'string')
  );
}

/** The parts before and after the first colon. */
function split(text: string): [string, string | undefined] {
  const at = text.indexOf(':');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
