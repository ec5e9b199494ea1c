import { showSentence } from './answer-view.js';
import { sentenceOf } from './webauthn.js';

/**
 * The prompt of the browser for a key: one at a time. While it is open, the button that opened it ends it, and a
 * screen reader hears what is awaited.
 */
export function keyPrompt() {
  let open = null;
  const prompt = {
    isOpen: () => open !== null,
    stop: () => open?.abort(),

    /** What the key answered, or `null`, and then the place has a sentence that says why. */
    async ask(button, place, work) {
      const label = button.textContent;
      open = new AbortController();
      button.textContent = 'Stop waiting';
      showSentence(place, 'waiting', 'Insert your key and touch it, or follow the browser.', 'waiting');
      try {
        return await work(open.signal);
      } catch (error) {
        showSentence(place, 'no key', sentenceOf(error), 'bad');
        return null;
      } finally {
        open = null;
        button.textContent = label;
      }
    },
  };
  return prompt;
}
