import { problemOf, statusOf } from './answer-view.js';
import { curlOf } from './curl.js';
import { element } from './element.js';

/** One step of the log: the request, the answer, and the curl line that does the same. */
export function stepView(number, title, { request, answer, milliseconds }, said, open) {
  return element(
    'details',
    { open, className: 'step' },
    element(
      'summary',
      {},
      element('span', { className: 'number' }, String(number)),
      element('span', { className: 'title' }, title, ' ', element('code', {}, ...path(request.path))),
      element('span', { className: 'took' }, `${Math.max(1, Math.round(milliseconds))} ms`),
      statusOf(answer),
    ),
    problemOf(answer),
    element('h3', {}, 'Request'),
    element('pre', {}, ...rawRequest(request)),
    note(
      request.cookie === 'sends' || request.cookie === 'changes',
      'The browser added the session cookie; no script can read it.',
    ),
    element('h3', {}, 'Answer'),
    answer === null
      ? note(true, 'The server did not answer. Is it still running?')
      : element('pre', {}, ...rawAnswer(answer)),
    note(
      request.cookie === 'takes' && answer?.status === 200,
      'The browser took the session cookie from Set-Cookie; no script can read it (HttpOnly).',
    ),
    note(
      request.cookie === 'begins' && answer?.status === 200,
      'The browser took a cookie that ties what it begins now to this browser, and that opens nothing.',
    ),
    note(
      request.cookie === 'changes' && answer?.status === 204,
      'The browser took a new session cookie from Set-Cookie; the one before it is good for nothing now.',
    ),
    ...curlLine(curlOf(request), said),
  );
}

function rawRequest({ method, path, headers, body }) {
  return raw(`${method} ${path}`, Object.entries(headers), body ?? '');
}

function rawAnswer({ status, statusText, headers, text }) {
  return raw(`${status} ${statusText}`, headers, text);
}

/** Header lines and a body, letter by letter; only the colours are added. */
function raw(firstLine, headers, body) {
  const lines = headers.flatMap(([name, value]) => ['\n', key(name), `: ${value}`]);
  return [element('strong', {}, firstLine), ...lines, ...(body === '' ? [] : ['\n\n', ...json(body)])];
}

/** A path, with places where it may break. */
function path(text) {
  return text.split(/(?<=[/?])/).flatMap((part) => [part, element('wbr', {})]);
}

/** JSON with its keys in colour, and with places before them where a long line may break. */
function json(text) {
  const parts = text.split(/("(?:[^"\\]|\\.)*"(?=\s*:))/);
  return parts.flatMap((part, index) => (index % 2 === 1 ? [element('wbr', {}), key(part)] : [part]));
}

function key(text) {
  return element('span', { className: 'key' }, text);
}

function note(applies, text) {
  return applies ? element('p', { className: 'note' }, text) : '';
}

function curlLine(line, said) {
  const copy = element('button', { type: 'button', className: 'small' }, 'Copy');
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(line);
      copy.textContent = 'Copied';
      said.textContent = 'The curl line is copied.';
    } catch {
      copy.textContent = 'Not copied';
      said.textContent = 'The browser did not let this page copy; select the line instead.';
    }
    setTimeout(() => {
      copy.textContent = 'Copy';
      said.textContent = '';
    }, 2000);
  });
  const head = element('div', { className: 'curl' }, element('h3', {}, 'The same with curl'), copy);
  return [head, element('pre', {}, line)];
}
