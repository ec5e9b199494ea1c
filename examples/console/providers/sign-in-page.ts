/** Somebody at an identity provider, which is not the same as a user here. */
export interface Login {
  id: string;
  email: string;
  says: string;
}

/** Whoever clicks is believed: a provider for demos. */
export const logins: readonly Login[] = [
  { id: 'alice', email: 'alice@example.com', says: 'a user of Acme' },
  { id: 'bob', email: 'bob@example.com', says: 'a user of Acme and of Globex' },
  { id: 'carol', email: 'carol@example.com', says: 'whom Acme does not know' },
];

/** The page of a provider on which somebody says who they are; `form` is where that goes, with these fields. */
export function signInPage({
  name,
  form,
  fields = {},
}: {
  name: string;
  form: string;
  fields?: Record<string, string>;
}): string {
  const hidden = Object.entries(fields).map(
    ([field, value]) => `<input type="hidden" name="${escaped(field)}" value="${escaped(value)}">`,
  );
  const choices = logins.map(
    ({ id, email, says }) =>
      `<button name="login" value="${id}"><strong>${escaped(email)}</strong><span>${says}</span></button>`,
  );
  return document(
    name,
    `<h1>${escaped(name)}</h1>
    <p>An identity provider of the demo. It asks for no password: who are you?</p>
    <form method="post" action="${escaped(form)}">${hidden.join('')}${choices.join('')}
    <button name="login" value="" class="quiet">Cancel</button></form>`,
  );
}

/** A page that posts a form on by itself. */
export function postingPage(action: string, fields: Record<string, string>): string {
  const hidden = Object.entries(fields).map(
    ([field, value]) => `<input type="hidden" name="${escaped(field)}" value="${escaped(value)}">`,
  );
  return document(
    'Signed in',
    `<form method="post" action="${escaped(action)}">${hidden.join('')}<button>Continue</button></form>
    <script>document.forms[0].submit()</script>`,
  );
}

function document(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style><main>${body}</main></html>`;
}

const style = `
:root { color-scheme: light dark; --paper: #eef3ef; --card: #fff; --ink: #191c24; --soft: #565c69; --edge: #868b97; --accent: #146239 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0e1411; --card: #16201a; --ink: #e8e9ee; --soft: #a2a8b6; --edge: #737a8a; --accent: #7ad6a2 }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
main { box-sizing: border-box; width: min(26rem, 100%); padding: 1.5rem; background: var(--card); border-radius: .875rem;
  border-top: 4px solid var(--accent) }
h1 { margin: 0; font-size: 1.25rem }
p { margin: .25rem 0 1.25rem; color: var(--soft) }
form { display: grid; gap: .625rem }
button { display: grid; min-height: 3rem; padding: .5rem .875rem; border: 1px solid var(--edge); border-radius: .5rem;
  background: none; color: inherit; font: inherit; text-align: start; cursor: pointer }
button span, .quiet { color: var(--soft); font-size: .875rem }
button:hover, :focus-visible { border-color: var(--accent); outline: 2px solid var(--accent) }`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
