/** Ask: a prompt, files, where it will go, and the answer as it comes. */

import { api } from "../api.js";
import { button, h, icon, replace, select } from "../dom.js";
import { live, on } from "../live.js";
import { keep, kept } from "../keeping.js";
import { attempt, empty, problem, say } from "../notices.js";
import { preview } from "../route.js";
import { TaskPanel } from "../taskpanel.js";

export const title = "Ask";

const PREVIEW_PAUSE_MS = 300;

/** What was typed stays in this tab when another page is looked at, and when this one is loaded again. */
const draft = { prompt: "", files: [], service: "", type: "", model: "", task: null, ...kept("ask") };
let types = [];

export async function show(root) {
  const page = new AskPage(root);
  await page.start();
  return () => page.close();
}

class AskPage {
  #prompt = h("textarea", { id: "prompt", rows: 5, placeholder: "What do you want to know, or have done?", on: { input: () => this.#typed() } });
  #files = h("ul", { class: "chips", "aria-label": "Files" });
  #path = h("input", { id: "path", type: "text", placeholder: "Path or glob, such as src/**/*.py", autocomplete: "off", spellcheck: "false" });
  #choices = h("div", { class: "row wrap" });
  #choicesShow = "";
  #models = h("datalist", { id: "models" });
  #route = h("p", { class: "route", role: "status" });
  #trouble = h("div");
  #answer = h("div");
  #panel = null;
  #asked = "";
  #timer = 0;
  #asking = null;
  #ends = [];

  constructor(root) {
    this.#prompt.value = draft.prompt;
    const form = h(
      "form",
      { class: "ask", on: { submit: (event) => (event.preventDefault(), this.#ask()) } },
      h("label", { class: "hidden-word", for: "prompt" }, "Prompt"),
      this.#prompt,
      h("div", { class: "row wrap files" }, h("label", { class: "hidden-word", for: "path" }, "Add a file"), this.#path, button("Add file", () => this.#add(), { icon: "plus" }), this.#files),
      h("div", { class: "row wrap between" }, this.#choices, h("button", { type: "submit", class: "primary", title: "Ctrl+Enter" }, "Ask")),
    );
    form.addEventListener("keydown", (event) => this.#key(event));
    root.append(form, this.#models, this.#route, this.#trouble, h("hr"), this.#answer);
  }

  async start() {
    this.#ends = [on("services", () => this.#showChoices()), on("rules", () => this.#preview())];
    this.#showFiles();
    this.#showChoices();
    this.#preview();
    if (draft.task) this.#follow(draft.task);
    else replace(this.#answer, teach((text) => this.#take(text)));
    if (!types.length) types = (await attempt(this.#trouble, () => api.taskTypes()))?.task_types ?? [];
    this.#showChoices();
  }

  close() {
    keep("ask", draft);
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#panel?.close();
    for (const end of this.#ends) end();
  }

  #key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#ask();
    } else if (event.key === "Enter" && event.target === this.#path) {
      event.preventDefault();
      this.#add();
    }
  }

  #take(text) {
    this.#prompt.value = text;
    this.#typed();
    this.#prompt.focus();
  }

  #typed() {
    draft.prompt = this.#prompt.value;
    keep("ask", draft);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#preview(), PREVIEW_PAUSE_MS);
  }

  #add() {
    const path = this.#path.value.trim();
    if (!path) return this.#path.focus();
    if (!draft.files.includes(path)) draft.files.push(path);
    this.#path.value = "";
    this.#path.focus();
    this.#showFiles();
    this.#preview();
  }

  #showFiles() {
    keep("ask", draft);
    replace(
      this.#files,
      draft.files.map((path) =>
        h("li", { class: "chip" }, h("span", {}, path), button("", () => this.#drop(path), { kind: "bare", icon: "close", label: `Remove ${path}` })),
      ),
    );
  }

  #drop(path) {
    draft.files = draft.files.filter((item) => item !== path);
    this.#showFiles();
    this.#path.focus();
    this.#preview();
  }

  #showChoices() {
    const key = JSON.stringify([types.length, Object.values(live.services).map((item) => [item.name, item.enabled, item.healthy, item.failing])]);
    if (this.#choicesShow === key) return this.#showModels(); // an open list stays open
    this.#choicesShow = key;
    const had = document.activeElement?.getAttribute("aria-label");
    const services = Object.values(live.services).filter((item) => item.enabled);
    const choose = (key) => (value) => {
      draft[key] = value;
      if (key === "service") this.#showModels();
      this.#preview();
    };
    const model = h("input", { type: "text", "aria-label": "Model", placeholder: "Model: its own choice", list: "models", size: 20, autocomplete: "off", spellcheck: "false", value: draft.model, on: { change: (event) => choose("model")(event.target.value.trim()) } });
    replace(
      this.#choices,
      select("Service", [["", "Service: auto"], ...services.map((item) => [item.name, item.healthy || item.checked_at === null ? item.name : `${item.name} (${item.failing ? "not ready" : "unknown"})`])], draft.service, choose("service")),
      select("Type", [["", "Type: auto"], ...types.map((item) => [item.name, item.label])], draft.type, choose("type")),
      model,
    );
    this.#showModels();
    if (["Service", "Type", "Model"].includes(had)) this.#choices.querySelector(`[aria-label="${had}"]`).focus();
    return undefined;
  }

  #showModels() {
    const from = draft.service ? [live.services[draft.service]] : Object.values(live.services);
    const names = [...new Set(from.flatMap((item) => item?.models ?? []))];
    replace(this.#models, names.slice(0, 200).map((name) => h("option", { value: name })));
  }

  #body() {
    const preferences = Object.fromEntries(
      Object.entries({ preferred_service: draft.service, task_type: draft.type, model: draft.model }).filter(([, value]) => value),
    );
    return { prompt: draft.prompt, files: draft.files, ...(Object.keys(preferences).length ? { preferences } : {}) };
  }

  /** Where it would go. Nothing is sent to any service for that. */
  async #preview() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    if (!draft.prompt.trim()) {
      replace(this.#route, h("span", { class: "soft" }, "Type a prompt to see where it will go. Ctrl+Enter asks."));
      return;
    }
    this.#asking = new AbortController();
    try {
      const found = await api.explain(this.#body(), this.#asking.signal);
      replace(this.#route, preview(found, live.services), found.notes.map((note) => h("span", { class: "note" }, icon("warning"), note)));
    } catch (error) {
      if (error.name !== "AbortError") replace(this.#route, h("span", { class: "is-bad" }, `${error.title ?? "No route"}: ${error.detail ?? error.message} ${error.hint ?? ""}`));
    }
  }

  async #ask() {
    if (!draft.prompt.trim()) {
      replace(this.#trouble, problem({ title: "Nothing to ask", detail: "The prompt is empty.", hint: "Type a question." }));
      return this.#prompt.focus();
    }
    if (this.#path.value.trim()) this.#add();
    const body = JSON.stringify(this.#body());
    if (this.#panel?.running && this.#asked === body) return say("This is being answered already.");
    this.#asked = body;
    const asked = await attempt(this.#trouble, () => api.ask(this.#body()));
    return asked && this.#follow(asked.task_id);
  }

  #follow(taskId) {
    draft.task = taskId;
    keep("ask", draft);
    this.#panel?.close();
    this.#panel = new TaskPanel(taskId, { onAgain: (again) => this.#follow(again) });
    replace(this.#answer, this.#panel.element);
    return this.#panel.refresh();
  }
}

const EXAMPLES = ["What does HTTP status 421 mean?", "Write a pytest fixture for a temporary SQLite database.", "Find the bug: for i in range(len(a)): a.pop(i)"];

function teach(take) {
  return empty(
    "Nothing asked yet",
    "Oxide works out what kind of task it is and picks the service that is allowed, able and healthy. The line above tells which, before you ask.",
    EXAMPLES.map((text) => button(text, () => take(text), { kind: "example" })),
  );
}
