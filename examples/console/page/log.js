import { element } from './element.js';
import { stepView } from './step-view.js';

const stepsKept = 50;

/**
 * The log of steps, newest first. The newest is open, the others open with a click; what the page reads for itself
 * is an aside, which is closed and leaves the step open that it belongs to.
 */
export function stepLog({ list, empty, clear, said }) {
  let count = 0;
  const show = (isEmpty) => {
    empty.hidden = !isEmpty;
    clear.hidden = isEmpty;
  };
  clear.addEventListener('click', () => {
    list.replaceChildren();
    show(true);
    said.textContent = 'The log is empty.';
  });
  return {
    add(title, exchange, isAside) {
      count += 1;
      if (!isAside) for (const step of list.querySelectorAll('details')) step.open = false;
      list.prepend(element('li', {}, stepView(count, title, exchange, said, !isAside)));
      while (list.children.length > stepsKept) list.lastElementChild.remove();
      show(false);
    },
  };
}
