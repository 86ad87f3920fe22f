/** What to tell: errors as what failed, why, and the one thing to do; short confirmations; questions before harm. */

import { button, h, icon, newId, replace } from "./dom.js";

/** An error where it happened. */
export function problem(error, ...actions) {
  if (!error.title) console.error(error); // a mistake of this page: the console has the details
  return h(
    "div",
    { class: "problem", role: "alert" },
    icon("warning"),
    h(
      "div",
      {},
      h("strong", {}, error.title ?? "This page made a mistake"),
      h("p", {}, error.detail ?? String(error.message ?? error)),
      error.hint && h("p", { class: "soft" }, error.hint),
      actions.length > 0 && h("div", { class: "row" }, actions),
    ),
  );
}

/** What a page says that has nothing to show: what belongs here, and how to get it. */
export function empty(title, text, ...actions) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), h("div", { class: "row" }, actions));
}

let timer = 0;

/** A short confirmation that goes away again. */
export function say(text) {
  const place = document.getElementById("said");
  clearTimeout(timer);
  replace(place, text);
  place.classList.add("shown");
  timer = setTimeout(() => place.classList.remove("shown"), 4000);
}

/** Do something; if it fails, say so where the page tells of problems. */
export async function attempt(place, act) {
  try {
    place.replaceChildren();
    return await act();
  } catch (error) {
    if (error.name !== "AbortError") replace(place, problem(error));
    return undefined;
  }
}

/**
 * Ask before something that cannot be undone.
 * @returns {Promise<boolean>}
 */
export function confirmed(question, detail, verb) {
  return new Promise((resolve) => {
    const id = newId("question");
    const dialog = h(
      "dialog",
      { "aria-labelledby": id, on: { close: () => (dialog.remove(), resolve(dialog.returnValue === "yes")) } },
      h("h2", { id }, question),
      h("p", {}, detail),
      h(
        "div",
        { class: "row end" },
        button("Keep", () => dialog.close("no")),
        button(verb, () => dialog.close("yes"), { kind: "danger" }),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
