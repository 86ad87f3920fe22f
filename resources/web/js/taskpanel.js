/** One task on a page: how it stands, its answer as it comes, why it went where it went, and what can be done with it. */

import { AnswerView } from "./answer.js";
import { api } from "./api.js";
import { Correcting } from "./correcting.js";
import { button, h, replace } from "./dom.js";
import { count, seconds, several } from "./format.js";
import { live, on } from "./live.js";
import { menu } from "./menu.js";
import { attempt, problem, say } from "./notices.js";
import { receipt, timeline } from "./recorder.js";
import { routeTable, tokens, wayTaken } from "./route.js";
import { saveFile } from "./saving.js";
import { state } from "./signs.js";

const CHARS_PER_TOKEN = 4;

export class TaskPanel {
  #id;
  #record = null;
  #view = new AnswerView();
  #told = h("span", { role: "status" });
  #figures = h("span", { class: "soft" });
  #line = h("p", { class: "state-line" }, this.#told, this.#figures);
  #actions = h("div", { class: "row wrap" });
  #stop = button("Stop", () => attempt(this.#trouble, () => api.cancel(this.#id)), { icon: "stop" });
  #trouble = h("div");
  #progress = h("div", { class: "progress" });
  #receipt = h("div");
  #correcting;
  #corrected = false;
  #actionsShow = "";
  #why = h("section", { class: "why", "aria-label": "Why this service" });
  #ends = [];
  #clock = 0;
  #asked = 0;
  #known = 0;
  #follows = 0; // the attempt whose text is shown as it was heard, from its first chunk on

  /**
   * @param {string} id
   * @param {{whyOpen?: boolean, onAgain?: (id: string) => void, onRecord?: (record: object) => void}} [options]
   */
  constructor(id, options = {}) {
    this.#id = id;
    this.options = options;
    this.#why.hidden = !options.whyOpen;
    this.#correcting = new Correcting(id, this.#trouble);
    this.element = h(
      "section",
      { class: "task", "aria-label": "Answer", data: { task: id } },
      h("h2", { class: "hidden-word" }, "Answer"),
      h("div", { class: "row between" }, this.#line, this.#stop),
      this.#trouble,
      this.#progress,
      this.#view.element,
      this.#receipt,
      this.#actions,
      this.#correcting.element,
      this.#why,
    );
    this.#ends = [
      on("chunk", (message) => message.task_id === id && this.#heard(message)),
      on("ended", (message) => message.task_id === id && this.refresh()),
      on("progress", (message) => message.task_id === id && this.#advance(message)),
      on("tasks", (message) => message.type === "task_start" && message.task_id === id && this.refresh()),
      on("missed", () => this.refresh()),
    ];
    this.#clock = setInterval(() => this.#tick(), 1000);
  }

  /** Read the record; the panel is up to date then. */
  async refresh() {
    this.#asked += 1;
    const mine = this.#asked;
    const record = await attempt(this.#trouble, () => api.task(this.#id));
    if (mine < this.#known) return; // a later look was answered sooner
    this.#known = mine;
    if (!record) {
      this.#stop.hidden = true;
      return;
    }
    this.#record = record;
    this.#show(record);
    this.options.onRecord?.(record);
  }

  /** The page that shows it goes away. */
  close() {
    for (const end of this.#ends) end();
    clearInterval(this.#clock);
  }

  /** Whether it has not ended, as far as is known. */
  get running() {
    return this.#running;
  }

  get #running() {
    return !this.#record || ["queued", "running"].includes(this.#record.status);
  }

  #heard(message) {
    const heard = live.running.get(message.task_id);
    if (heard?.whole && this.#follows !== heard.attempt) {
      this.#follows = heard.attempt;
      this.#view.set(heard.text);
    } else this.#view.append(message.chunk); // what came before is shown, or was read with the record
    this.element.setAttribute("aria-busy", "true");
  }

  #tick() {
    if (this.#running) this.#showLine();
  }

  #show(record) {
    const heard = live.running.get(this.#id);
    const text = heard?.whole && this.#running ? heard.text : (record.result ?? "");
    if (text !== this.#view.text) this.#view.set(text);
    this.#follows = heard?.whole ? heard.attempt : 0;
    if (!this.#running) this.#view.finish();
    this.element.setAttribute("aria-busy", String(this.#running));
    const stopHadFocus = document.activeElement === this.#stop;
    this.#stop.hidden = !this.#running;
    this.#showLine();
    this.#showActions(record);
    replace(this.#receipt, receipt(record.receipt));
    if (!this.#running) this.#end(record);
    if (stopHadFocus && !this.#running) this.#actions.querySelector("button").focus();
    this.#showWhy(record);
    if (!this.#running && record.error) replace(this.#trouble, failure(record));
  }

  /** How far an analysis has come. */
  #advance({ files_done, files_total, parts_running, left_s }) {
    const parts = [`${count(files_done)} of ${several(files_total, "file")}`, parts_running ? `${several(parts_running, "request")} under way` : "", left_s === null ? "" : `about ${seconds(left_s)} left`];
    const bar = h("progress", { max: Math.max(files_total, 1), value: files_done, "aria-label": "Files read" });
    replace(this.#progress, bar, h("span", { class: "soft" }, parts.filter(Boolean).join(" · ")));
  }

  #end(record) {
    replace(this.#progress);
    if (this.#corrected || !record.task_type) return;
    this.#corrected = true;
    this.#correcting.load(record.task_type);
  }

  #showLine() {
    const record = this.#record;
    const service = live.running.get(this.#id)?.service ?? record?.service;
    const since = record?.started_at ?? record?.created_at;
    const took = this.#running ? since && Date.now() / 1000 - since : record.duration;
    const known = record?.tokens?.output;
    const about = known ?? Math.round(this.#view.text.length / CHARS_PER_TOKEN);
    const rate = took > 1 && about > 20 ? ` · ${count(Math.round(about / took))} a second` : "";
    const text = [took ? seconds(took) : "", about ? `${known === undefined ? "about " : ""}${several(about, "token")}` : ""];
    const facts = `${text.filter(Boolean).join(" · ")}${rate}`;
    // The figures change each second: they are no news, so that only state and service are read out.
    const news = [state(record?.status ?? "queued"), " ", h("b", {}, service ?? "choosing a service")];
    if (this.#told.textContent !== news.map((item) => item.textContent ?? item).join("")) replace(this.#told, news);
    this.#figures.textContent = ` ${facts}`;
  }

  #showActions(record) {
    const others = Object.values(live.services).filter((item) => item.enabled && item.name !== record.service);
    const key = JSON.stringify([record.status, Boolean(record.result), this.#why.hidden, others.map((item) => item.name)]);
    if (this.#actionsShow === key) return; // an open list stays open
    this.#actionsShow = key;
    const again = (name) => attempt(this.#trouble, () => this.#again(name));
    replace(
      this.#actions,
      button(this.#why.hidden ? "Why this service" : "Hide why", () => this.#toggleWhy(), { kind: "quiet", icon: "why", data: { act: "why" } }),
      record.result && button("Copy", () => this.#copy(), { kind: "quiet", icon: "copy" }),
      record.result && button("Save", () => save(this.#record), { kind: "quiet", icon: "save" }),
      !this.#running && button("Ask again", () => again(null), { kind: "quiet", icon: "again" }),
      !this.#running && others.length > 0 && menu("Try on…", others.map((item) => [item.name, () => again(item.name)])),
      !this.#running && this.#correcting.choice,
      !this.options.whyOpen && h("a", { class: "soft end", href: `#/history/${record.id}` }, `task ${record.id.slice(0, 8)}`),
    );
  }

  async #again(service) {
    const asked = await api.retry(this.#id, service);
    this.options.onAgain?.(asked.task_id);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#record.result);
      say("The answer is copied.");
    } catch {
      replace(this.#trouble, problem({ title: "Nothing was copied", detail: "This browser does not let pages copy.", hint: "Select the answer and copy it." }));
    }
  }

  #toggleWhy() {
    this.#why.hidden = !this.#why.hidden;
    this.#showActions(this.#record);
    this.#actions.querySelector('[data-act="why"]').focus();
  }

  #showWhy(record) {
    const way = wayTaken(record);
    const facts = [tokens(record.tokens), { true: "it left this computer", false: "nothing left this computer" }[record.left_machine] ?? "whether it left this computer is not known"];
    replace(
      this.#why,
      h("h3", {}, "Why this service"),
      h("p", {}, way.length ? way : this.#running ? "No route was chosen yet." : "No route is kept of it."),
      h("p", { class: "soft" }, facts.filter(Boolean).join(" · ")),
      record.attempts.length > 0 && [h("h3", {}, "Attempts"), timeline(record)],
      record.route && [h("h3", {}, "Services that were considered"), routeTable(record.route)],
      record.notes.length > 0 && [h("h3", {}, "Notes"), h("ul", {}, record.notes.map((note) => h("li", {}, note)))],
    );
  }
}

function failure(record) {
  const [title, ...rest] = (record.error ?? "").split(": ");
  const cancelled = record.status === "cancelled";
  if (cancelled) return h("p", { class: "soft" }, "Stopped before it was done. What had come until then is kept.");
  return problem({ title, detail: rest.join(": ") || "The task failed.", hint: "Try it on another service, or look under “Why this service”." });
}

/** Let the browser save the answer as a file. */
function save(record) {
  saveFile(new Blob([record.result], { type: "text/markdown;charset=utf-8" }), `oxide-${record.id.slice(0, 8)}.md`);
}
