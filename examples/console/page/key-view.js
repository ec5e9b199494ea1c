import { element } from './element.js';

const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** One key of the list: its name, when and where it was enrolled, and when it was used. */
export function keyView({ name, origin, created_at, last_used_at }) {
  return element(
    'li',
    {},
    element('strong', {}, name),
    detail('added ', time(created_at), origin === null ? '' : ` on ${origin}`),
    detail(...(last_used_at === null ? ['not used yet'] : ['last used ', time(last_used_at)])),
  );
}

function time(text) {
  return element('time', { dateTime: text }, format.format(new Date(text)));
}

function detail(...children) {
  return element('span', { className: 'caption' }, ...children);
}
