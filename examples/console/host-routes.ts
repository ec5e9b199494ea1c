import type { RequestHandler } from 'express';

/** Answers with who was let through, and what the session allows to be known of it. */
export const whoAmI: RequestHandler = ({ user, authSession }, response) => {
  response.set('Cache-Control', 'no-store');
  response.json({ id: user?.id, name: user === undefined ? null : nameOf(user), session: authSession });
};

/** A user has an e-mail address, an app has a name; nothing else of what the repositories hold goes out. */
function nameOf(principal: Express.User): unknown {
  if ('email' in principal) return principal.email;
  return 'name' in principal ? principal.name : null;
}
