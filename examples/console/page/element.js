/** Makes an element. Children are elements or plain text: nothing that came over the wire is read as HTML. */
export function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
