import { element } from './element.js';

/** One line for the eye and for a screen reader: what was done, and what came of it. */
export function showResult(place, title, answer) {
  const code = answer?.json?.code;
  place.replaceChildren(
    statusOf(answer),
    ' ',
    code === undefined ? '' : element('code', {}, code),
    ` ${code === undefined ? title : answer.json.title}`,
  );
}

/** One line of the page's own, where nothing came over the wire. */
export function showSentence(place, label, text, kind = '') {
  place.replaceChildren(element('span', { className: `status ${kind}` }, label), ` ${text}`);
}

/** The status of an answer, as a small label. */
export function statusOf(answer) {
  const isGood = answer !== null && answer.status < 400;
  const text = answer === null ? 'no answer' : String(answer.status);
  return element('span', { className: `status ${isGood ? 'good' : 'bad'}` }, text);
}

/** A problem (RFC 9457) in plain sight: its code, its title, and the fields that were wrong. */
export function problemOf(answer) {
  const problem = answer?.json;
  if (problem?.code === undefined) return '';
  const fields = (problem.errors ?? []).map(({ path, detail }) =>
    element('li', {}, element('code', {}, path), ` ${detail}`),
  );
  return element(
    'div',
    { className: 'problem' },
    element('p', {}, element('code', {}, problem.code), ` ${problem.title}`),
    problem.detail === undefined ? '' : element('p', {}, problem.detail),
    fields.length === 0 ? '' : element('ul', {}, ...fields),
  );
}
