/**
 * An answer as it grows. Blocks that are complete stay as they are; only the last one, which may still grow, is made
 * anew, and the longer that takes the less often it is done.
 */

import { h } from "./dom.js";
import { blocks } from "./markdown.js";

const MOST_RENDERED_CHARS = 400_000;
const SHORTEST_PAUSE_MS = 60;

export class AnswerView {
  #done = h("div", { class: "done" });
  #open = h("div", { class: "open" });
  #rest = h("pre", { class: "rest", tabindex: 0, "aria-label": "The rest of the answer, as plain text", hidden: true });
  #tail = "";
  #overflow = "";
  #length = 0;
  #timer = 0;
  #pause = SHORTEST_PAUSE_MS;

  constructor() {
    this.element = h("div", { class: "answer", "aria-live": "polite" }, this.#done, this.#open, this.#rest);
    this.text = "";
  }

  /** Show this text, whatever stood there. */
  set(text) {
    if (text === this.text) return this.finish();
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#done.replaceChildren();
    this.#open.replaceChildren();
    this.#rest.hidden = true;
    this.text = this.#tail = this.#overflow = "";
    this.#length = 0;
    this.append(text);
    this.finish();
  }

  /** More of the answer. */
  append(text) {
    this.text += text;
    const room = Math.max(0, MOST_RENDERED_CHARS - this.#length);
    this.#tail += text.slice(0, room);
    this.#overflow += text.slice(room);
    this.#length += text.length;
    this.#timer ||= setTimeout(() => this.#draw(), this.#pause);
  }

  /** There is no more: show what is still waiting. */
  finish() {
    clearTimeout(this.#timer);
    this.#draw();
  }

  #draw() {
    const began = performance.now();
    this.#timer = 0;
    const found = blocks(this.#tail);
    const last = found.pop();
    this.#done.append(...found.map((block) => block.render()));
    this.#tail = last?.source.replace(/\n$/, "") ?? "";
    this.#open.replaceChildren(...(last ? [last.render()] : []));
    if (this.#overflow) {
      this.#rest.hidden = false;
      this.#rest.append(this.#overflow);
      this.#overflow = "";
    }
    this.#pause = Math.max(SHORTEST_PAUSE_MS, 6 * (performance.now() - began));
  }
}
