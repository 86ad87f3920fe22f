/** Saying what a task really was: below an answer, and all that was said on one list. */

import { api } from "./api.js";
import { button, h, replace } from "./dom.js";
import { ago, count, moment, several, words } from "./format.js";
import { menu } from "./menu.js";
import { attempt, confirmed, say } from "./notices.js";
import { taskTypes } from "./tasktypes.js";

/** What was said of one task (`element`), and the way to say it (`choice`). */
export class Correcting {
  element = h("p", { class: "soft correction", role: "status" });
  choice = h("span");
  #id;
  #found = "";
  #trouble;
  #types = [];
  #said = null;

  /**
   * @param {string} id the task's
   * @param {HTMLElement} trouble where problems are told
   */
  constructor(id, trouble) {
    this.#id = id;
    this.#trouble = trouble;
  }

  /** Read what is known of a task of this type; without it there is nothing to choose. */
  async load(taskType) {
    this.#found = taskType;
    const [types, made] = await Promise.all([taskTypes(), api.corrections()]).catch(() => [[], { corrections: [] }]);
    this.#types = types;
    this.#said = made.corrections.find((item) => item.task_id === this.#id) ?? null;
    this.#show();
  }

  #menu() {
    const others = this.#types.filter((item) => item.name !== (this.#said?.said ?? this.#found));
    if (!others.length) return null;
    return menu("This was…", others.map((item) => [item.label, () => attempt(this.#trouble, () => this.#say(item.name))]));
  }

  async #say(taskType) {
    this.#said = await api.correct(this.#id, taskType);
    say(`Kept: prompts like this one are taken for ${this.#label(taskType)} from now on.`);
    this.#show();
  }

  async #takeBack() {
    if (!(await attempt(this.#trouble, () => api.forgetCorrection(this.#id)))) return;
    this.#said = null;
    say("Taken back.");
    this.#show();
  }

  #show() {
    const back = button("Take it back", () => this.#takeBack(), { kind: "quiet" });
    replace(this.element, this.#said && [`You said that this was ${this.#label(this.#said.said)}, not ${this.#label(this.#said.was)}. `, back]);
    replace(this.choice, this.#menu());
  }

  #label(name) {
    return this.#types.find((item) => item.name === name)?.label ?? words(name);
  }
}

/** Every correction that counts, with ways to forget them. */
export class CorrectionList {
  element = h("section", { class: "corrections", "aria-labelledby": "corrections" });
  #trouble = h("div");

  async load() {
    const found = await attempt(this.#trouble, () => api.corrections());
    this.#show(found?.corrections ?? []);
  }

  #show(made) {
    const told = made.length
      ? `Prompts like ${made.length === 1 ? "this one are" : "these are"} taken for what you said. Your rules stand above it.`
      : "None yet. If a task was taken for the wrong type, choose “This was…” below its answer.";
    const exported = h("a", { class: "button", href: "/api/corrections", download: "corrections.json" }, "Export");
    replace(
      this.element,
      h("h2", { id: "corrections" }, "What you corrected"),
      h("p", { class: "soft" }, told),
      this.#trouble,
      made.length > 0 && h("ul", { class: "tasks" }, made.map((item) => this.#row(item))),
      made.length > 0 && h("div", { class: "row end wrap" }, exported, made.length > 1 && button(`Forget all ${count(made.length)}…`, () => this.#clear(made.length))),
    );
  }

  #row(item) {
    const forget = async () => {
      if (await attempt(this.#trouble, () => api.forgetCorrection(item.task_id))) await this.load();
    };
    return h(
      "li",
      { class: "row between wrap correction-row" },
      h("span", { class: "texts" }, h("a", { class: "prompt", dir: "auto", href: `#/history/${item.task_id}` }, item.prompt.slice(0, 200)), h("span", { class: "soft" }, `${words(item.was)} → ${words(item.said)} · `, h("time", { title: moment(item.made_at) }, ago(item.made_at)))),
      button("Forget", forget, { kind: "quiet", label: `Forget the correction of ${item.prompt.slice(0, 40)}` }),
    );
  }

  async #clear(number) {
    if (!(await confirmed("Forget every correction?", `${several(number, "correction")} will be gone, and prompts are taken as the classifier finds them.`, "Forget them"))) return;
    const done = await attempt(this.#trouble, () => api.clearCorrections());
    if (done) say(done.message);
    await this.load();
  }
}
