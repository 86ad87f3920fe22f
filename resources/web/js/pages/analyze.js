/** Analyze: one question about many files, shared out to several services, with a receipt for every file. */

import { api } from "../api.js";
import { h, replace } from "../dom.js";
import { live, on } from "../live.js";
import { attempt, empty, problem } from "../notices.js";
import { TaskPanel } from "../taskpanel.js";

export const title = "Analyze";

/** What was typed stays when another page is looked at. `left` are the services that do not take part. */
const draft = { prompt: "", paths: "", left: new Set(), strategy: "split", workers: "", task: null };
const STRATEGIES = [
  ["split", "Share the files out", "Each file is read by one service; together they read all of them."],
  ["broadcast", "Ask every service", "Each service is given all the files, and its answer stands beside the others'."],
];

export async function show(root) {
  const page = new AnalyzePage(root);
  await page.start();
  return () => page.close();
}

class AnalyzePage {
  #prompt = h("textarea", { id: "question", rows: 3, placeholder: "What do you want to know of these files?", on: { input: () => (draft.prompt = this.#prompt.value) } });
  #paths = h("textarea", { id: "paths", rows: 3, placeholder: "/home/me/project/src\n/home/me/project/**/*.md", spellcheck: "false", autocomplete: "off", on: { input: () => (draft.paths = this.#paths.value) } });
  #workers = h("input", { id: "workers", type: "number", min: 1, max: 1000, placeholder: "auto", on: { input: () => (draft.workers = this.#workers.value) } });
  #services = h("fieldset", { class: "choices-of" });
  #trouble = h("div");
  #answer = h("div");
  #panel = null;
  #ends = [];

  constructor(root) {
    this.#prompt.value = draft.prompt;
    this.#paths.value = draft.paths;
    this.#workers.value = draft.workers;
    const form = h(
      "form",
      { class: "ask analyze", on: { submit: (event) => (event.preventDefault(), this.#ask()) } },
      h("label", { for: "question" }, "Question"),
      this.#prompt,
      h("label", { for: "paths" }, "Folders, files and globs, one a line"),
      this.#paths,
      this.#services,
      strategies(),
      h("div", { class: "row wrap between" }, h("div", { class: "row" }, h("label", { for: "workers" }, "Requests at once"), this.#workers), h("button", { type: "submit", class: "primary", title: "Ctrl+Enter" }, "Analyze")),
    );
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#ask();
    });
    root.append(form, this.#trouble, h("hr"), this.#answer);
  }

  async start() {
    this.#ends = [on("services", () => this.#showServices())];
    this.#showServices();
    if (draft.task) await this.#follow(draft.task);
    else replace(this.#answer, empty("Nothing analyzed yet", "The files are shared out to the services that may read them. What one loses another one reads, and a receipt tells of each file who read it, and how far."));
  }

  close() {
    this.#panel?.close();
    for (const end of this.#ends) end();
  }

  get #known() {
    return Object.values(live.services).filter((item) => item.enabled);
  }

  #showServices() {
    if (this.#services.contains(document.activeElement)) return;
    const boxes = this.#known.map((item) => {
      const change = (event) => (event.target.checked ? draft.left.delete(item.name) : draft.left.add(item.name));
      const box = h("input", { type: "checkbox", name: "service", value: item.name, checked: !draft.left.has(item.name), on: { change } });
      const place = item.locality === "local" ? "" : " · leaves this computer";
      return h("label", { class: "choice" }, box, h("span", {}, item.name, h("span", { class: "soft" }, `${item.failing ? " · not ready" : ""}${place}`)));
    });
    replace(this.#services, h("legend", {}, "Services that take part"), boxes.length ? boxes : h("p", { class: "soft" }, "No service is switched on."));
  }

  async #ask() {
    const files = draft.paths.split("\n").map((line) => line.trim()).filter(Boolean);
    const missing = draft.prompt.trim() ? (files.length ? null : [this.#paths, "No files", "Name a folder, a file or a glob."]) : [this.#prompt, "Nothing to ask", "Type a question."];
    if (missing) {
      const [field, name, hint] = missing;
      replace(this.#trouble, problem({ title: name, detail: "The form is not complete.", hint }));
      return field.focus();
    }
    const names = this.#known.map((item) => item.name);
    const chosen = names.filter((name) => !draft.left.has(name));
    if (!chosen.length) {
      replace(this.#trouble, problem({ title: "No service takes part", detail: "All are left out.", hint: "Choose one or more." }));
      return undefined;
    }
    const services = chosen.length === names.length ? {} : { services: chosen };
    const workers = draft.workers ? { workers: Number(draft.workers) } : {};
    const asked = await attempt(this.#trouble, () => api.analyze({ prompt: draft.prompt, files, strategy: draft.strategy, ...services, ...workers }));
    return asked && this.#follow(asked.task_id);
  }

  #follow(taskId) {
    draft.task = taskId;
    this.#panel?.close();
    this.#panel = new TaskPanel(taskId, { onAgain: (again) => this.#follow(again) });
    replace(this.#answer, this.#panel.element);
    return this.#panel.refresh();
  }
}

function strategies() {
  return h(
    "fieldset",
    { class: "choices-of" },
    h("legend", {}, "How"),
    STRATEGIES.map(([value, label, help]) => {
      const choice = h("input", { type: "radio", name: "strategy", value, checked: draft.strategy === value, on: { change: () => (draft.strategy = value) } });
      return h("label", { class: "choice" }, choice, h("span", {}, label, h("span", { class: "soft" }, ` · ${help}`)));
    }),
  );
}
