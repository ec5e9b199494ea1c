/** Shows what is wrong with a field where it was typed: the `errors` of a 400, or one of the page's own. */
export function showFieldErrors(form, errors = []) {
  for (const { path: name, detail } of errors) {
    const field = form.elements.namedItem(name);
    const message = form.querySelector(`[id="${CSS.escape(`${field?.id}-error`)}"]`);
    if (field === null || message === null) continue;
    message.textContent = detail;
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', message.id);
  }
}

export function clearFieldErrors(form) {
  for (const message of form.querySelectorAll('.field-error')) message.textContent = '';
  for (const field of form.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
    field.removeAttribute('aria-describedby');
  }
}
