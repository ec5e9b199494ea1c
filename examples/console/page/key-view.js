import { element } from './element.js';

const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** One key of the list: its name, when and where it was enrolled, and when it was used; with `actions`, what to do with it. */
export function keyView({ name, origin, created_at, last_used_at }, actions) {
  const item = element(
    'li',
    {},
    element('strong', {}, name),
    detail('added ', time(created_at), origin === null ? '' : ` on ${origin}`),
    detail(...(last_used_at === null ? ['not used yet'] : ['last used ', time(last_used_at)])),
  );
  if (actions !== null) item.append(actionsOf(name, actions));
  return item;
}

/** Two buttons. Renaming opens a field in their place; removing asks once more. */
function actionsOf(name, { rename, remove }) {
  const row = element('div', { className: 'key-actions' });
  const toRename = action('Rename', name);
  const toRemove = action('Remove', name);
  toRemove.classList.add('danger');
  toRename.addEventListener('click', () => {
    const form = renaming(name, rename, () => {
      form.replaceWith(row);
      toRename.focus();
    });
    row.replaceWith(form);
    form.elements.namedItem('new_name').focus();
  });
  let isAsked = false;
  toRemove.addEventListener('click', () => {
    if (isAsked) return void remove(name);
    isAsked = true;
    toRemove.textContent = 'Really remove';
    toRemove.setAttribute('aria-label', `Really remove ${name}`);
  });
  toRemove.addEventListener('blur', () => {
    isAsked = false;
    toRemove.textContent = 'Remove';
    toRemove.setAttribute('aria-label', `Remove ${name}`);
  });
  row.append(toRename, toRemove);
  return row;
}

function renaming(name, rename, leave) {
  const field = element('input', { name: 'new_name', type: 'text', value: name, maxLength: 64 });
  field.setAttribute('aria-label', `New name of ${name}`);
  field.setAttribute('autocomplete', 'off');
  const save = element('button', { type: 'submit', className: 'small' }, 'Save');
  const cancel = element('button', { type: 'button', className: 'small' }, 'Cancel');
  const form = element('form', { method: 'post', noValidate: true }, field, save, cancel);
  cancel.addEventListener('click', leave);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void rename(name, field.value.trim());
  });
  return form;
}

function action(label, name) {
  const button = element('button', { type: 'button', className: 'small' }, label);
  button.setAttribute('aria-label', `${label} ${name}`);
  return button;
}

function time(text) {
  return element('time', { dateTime: text }, format.format(new Date(text)));
}

function detail(...children) {
  return element('span', { className: 'caption' }, ...children);
}
