/** A button with choices below it, closed by Escape, by a choice and by a click elsewhere. */

import { button, h, icon } from "./dom.js";

/**
 * @param {string} label
 * @param {[string, () => unknown][]} choices
 */
export function menu(label, choices) {
  const made = h("details", { class: "menu" });
  const summary = h("summary", { class: "button quiet" }, label, icon("down"));
  const close = () => made.removeAttribute("open");
  const items = choices.map(([text, act]) =>
    button(text, async () => {
      close();
      await act();
    }, { kind: "item" }),
  );
  made.append(summary, h("div", { class: "choices", role: "group", "aria-label": label }, items));
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    close();
    summary.focus();
  });
  made.addEventListener("focusout", (event) => made.contains(event.relatedTarget) || event.relatedTarget === null || close());
  const outside = (event) => made.contains(event.target) || close();
  made.addEventListener("toggle", () => {
    const change = made.open ? "addEventListener" : "removeEventListener";
    document[change]("pointerdown", outside);
  });
  return made;
}
