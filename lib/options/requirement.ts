import { z } from 'zod';
import { ConfigError } from '../errors.js';
import type { SessionRequirement } from '../routes/require-session.js';
import { configError } from './config-error.js';

const schema = z.strictObject({
  principal: z.enum(['user', 'app'], { error: "must be 'user' or 'app'" }).optional(),
  account: z
    .union([z.literal('selected'), z.custom<() => string>((value) => typeof value === 'function')], {
      error: "must be 'selected', or a function of the request",
    })
    .optional(),
  freshWithin: z.number('must be a number of seconds').positive('must be greater than 0').optional(),
  allowApiKey: z.boolean('must be true or false').optional(),
});

/**
 * Checks what a route of the host asks for: a misspelt demand would be none at all.
 *
 * @throws ConfigError
 */
export function checkRequirement(requirement: SessionRequirement): SessionRequirement {
  const result = schema.safeParse(requirement);
  if (!result.success) throw configError(schema, result.error, 'requireSession');
  if (requirement.allowApiKey === true && requirement.principal === 'user') {
    throw new ConfigError('requireSession.allowApiKey', 'is for apps: it cannot go with principal: user');
  }
  return requirement;
}
