/** API keys: their names, whether they are kept, and ways to keep or forget one. A key is never shown again. */

import { api } from "./api.js";
import { button, h, replace } from "./dom.js";
import { attempt, confirmed, say } from "./notices.js";

/** The list of keys, and a form for another one. */
export class KeyList {
  element = h("section", { class: "group keys" });
  #trouble = h("div");
  #elsewhere;

  /** @param {HTMLElement[]} elsewhere what is said of keys that Oxide does not keep */
  constructor(elsewhere) {
    this.#elsewhere = elsewhere;
  }

  async load() {
    const found = await attempt(this.#trouble, () => api.keys());
    const told = found ? `Kept in ${found.place}. A key is sent to the services that use it, and is never shown again.` : "";
    replace(
      this.element,
      h("h2", {}, "API keys"),
      h("p", { class: "soft" }, told),
      this.#trouble,
      (found?.keys ?? []).map((item) => this.#key(item)),
      found && this.#another(),
      this.#elsewhere,
    );
  }

  #key(item) {
    const place = h("div");
    const ask = () => (place.childElementCount ? replace(place) : this.#form(place, item.name));
    const state = item.kept ? ["✓", "ok", "kept"] : ["⚠", "warn", "missing"];
    const users = item.used_by.length ? `used by ${item.used_by.join(", ")}` : `no service uses it: write api_key: keyring:${item.name} in the settings of one`;
    return h(
      "div",
      { class: "setting", data: { key: item.name } },
      h(
        "div",
        { class: "row between wrap" },
        h("span", { class: "name" }, item.name, " ", h("span", { class: `is-${state[1]}` }, h("span", { "aria-hidden": "true" }, `${state[0]} `), state[2])),
        h("div", { class: "row" }, button(item.kept ? "Replace…" : "Set…", ask, { label: `${item.kept ? "Replace" : "Set"} the key ${item.name}` }), item.kept && button("Remove…", () => this.#remove(item), { kind: "quiet", label: `Remove the key ${item.name}` })),
      ),
      h("p", { class: "soft" }, users),
      place,
    );
  }

  #form(place, name) {
    const field = secret(`Key for ${name}`);
    replace(place, h("form", { class: "row wrap", on: { submit: (event) => (event.preventDefault(), this.#keep(name, field)) } }, field, h("button", { type: "submit", class: "primary" }, "Keep")));
    field.focus();
  }

  #another() {
    const name = h("input", { type: "text", "aria-label": "Name of the key", placeholder: "Name, such as GEMINI_API_KEY", autocomplete: "off", spellcheck: "false", required: true });
    const field = secret("The key");
    const submit = (event) => (event.preventDefault(), this.#keep(name.value.trim(), field));
    return h("form", { class: "row wrap setting another", on: { submit } }, name, field, h("button", { type: "submit" }, "Keep another"));
  }

  async #keep(name, field) {
    const done = await attempt(this.#trouble, () => api.setKey(name, field.value));
    field.value = "";
    if (!done) return;
    say(done.message);
    await this.load();
  }

  async #remove(item) {
    const users = item.used_by.length ? `${item.used_by.join(", ")} cannot be asked without it.` : "No service uses it.";
    if (!(await confirmed(`Remove the key ${item.name}?`, users, "Remove it"))) return;
    const done = await attempt(this.#trouble, () => api.removeKey(item.name));
    if (!done) return;
    say(done.message);
    await this.load();
  }
}

function secret(label) {
  return h("input", { type: "password", "aria-label": label, placeholder: label, autocomplete: "new-password", required: true });
}
