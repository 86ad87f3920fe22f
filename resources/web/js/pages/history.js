/** History: everything that was asked, found by typing, and each task with what the flight recorder kept. */

import { api } from "../api.js";
import { button, h, icon, replace, select } from "../dom.js";
import { ago, count, firstLine, moment, seconds, several, source, words } from "../format.js";
import { live, on } from "../live.js";
import { keep, kept } from "../keeping.js";
import { attempt, confirmed, empty, say } from "../notices.js";
import { go } from "../router.js";
import { saveFile } from "../saving.js";
import { state } from "../signs.js";
import { TaskPanel } from "../taskpanel.js";

export const title = "History";

const PAGE = 30;
const TYPING_PAUSE_MS = 200;
const STATES = ["completed", "failed", "running", "cancelled", "interrupted"];

/** The search stays in this tab when another page is looked at, and when this one is loaded again. */
const wanted = { q: "", status: "", service: "", offset: 0, ...kept("history") };

export async function show(root, { id, tools }) {
  const page = new HistoryPage(root, id, tools);
  await page.start();
  return { close: () => page.close(), change: ({ id: other }) => page.open(other) };
}

class HistoryPage {
  #search = h("input", { type: "search", id: "search", value: wanted.q, placeholder: "Search, or service:qwen type:coding failed today", autocomplete: "off", spellcheck: "false", on: { input: () => this.#typed() } });
  #filtersShow = "";
  #listShows = "";
  #pagerShows = "";
  #filters = h("div", { class: "row wrap" });
  #total = h("p", { class: "soft", role: "status" });
  #trouble = h("div");
  #list = h("ul", { class: "tasks", "aria-label": "Tasks, newest first" });
  #pager = h("nav", { class: "row between pager", "aria-label": "Pages of the history" });
  #detail = h("section", { class: "detail", "aria-label": "Task" });
  #columns;
  #panel = null;
  #chosen;
  #timer = 0;
  #asking = null;
  #ends = [];

  constructor(root, id, tools) {
    this.#chosen = id;
    this.#columns = h("div", { class: "columns" }, h("div", { class: "listing" }, this.#trouble, this.#list, this.#pager), this.#detail);
    tools.append(this.#total);
    const exported = button("Export", () => this.#export(), { icon: "save" });
    root.append(
      h("div", { class: "row wrap searching" }, h("label", { class: "hidden-word", for: "search" }, "Search the history"), this.#search, this.#filters, exported, button("Clear…", () => this.#clear(), { icon: "trash" })),
      this.#columns,
    );
  }

  async start() {
    this.#ends = [on("tasks", () => this.#soon()), on("services", () => this.#showFilters())];
    this.#showFilters();
    await Promise.all([this.#load(), this.open(this.#chosen)]);
  }

  close() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#panel?.close();
    for (const end of this.#ends) end();
  }

  #typed() {
    wanted.q = this.#search.value;
    wanted.offset = 0;
    this.#soon();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), TYPING_PAUSE_MS);
  }

  get #filtersKey() {
    return JSON.stringify([Object.keys(live.services), wanted.status, wanted.service]);
  }

  #showFilters() {
    if (this.#filtersShow === this.#filtersKey) return; // an open list stays open
    this.#filtersShow = this.#filtersKey;
    const choose = (key) => (value) => {
      wanted[key] = value;
      wanted.offset = 0;
      this.#filtersShow = this.#filtersKey;
      this.#load();
    };
    replace(
      this.#filters,
      select("State", [["", "Any state"], ...STATES.map((name) => [name, words(name)])], wanted.status, choose("status")),
      select("Service", [["", "Any service"], ...Object.keys(live.services).map((name) => [name, name])], wanted.service, choose("service")),
    );
  }

  async #load() {
    this.#asking?.abort();
    this.#asking = new AbortController();
    keep("history", wanted);
    const query = { q: wanted.q.trim(), status: wanted.status, service: wanted.service, limit: PAGE, offset: wanted.offset };
    const found = await attempt(this.#trouble, () => api.history(query, this.#asking.signal));
    if (found) this.#show(found);
  }

  #show(found) {
    const filtered = wanted.q || wanted.status || wanted.service;
    replace(this.#total, filtered ? `${count(found.filtered)} of ${several(found.total, "task")}` : several(found.total, "task"), found.problems.map((text) => [" · ", h("span", { class: "is-warn" }, text)]));
    this.#showRows(found);
    this.#showPager(found);
  }

  /** The rows, made anew only where they are others: nothing is to move under a hand that is about to click. */
  #showRows(found) {
    const key = JSON.stringify([found.tasks, found.total > 0]);
    if (this.#listShows === key) {
      for (const [index, place] of [...this.#list.querySelectorAll("time")].entries()) place.textContent = ago(found.tasks[index].created_at);
      return;
    }
    this.#listShows = key;
    const had = document.activeElement?.closest?.("a.row-link")?.getAttribute("href");
    replace(this.#list, found.tasks.map((task) => this.#row(task)));
    if (had) [...this.#list.querySelectorAll("a.row-link")].find((link) => link.getAttribute("href") === had)?.focus();
    if (!found.tasks.length) replace(this.#list, h("li", {}, found.total ? nothingFound(() => this.#all()) : teach()));
  }

  #all() {
    Object.assign(wanted, { q: "", status: "", service: "", offset: 0 });
    this.#search.value = "";
    this.#showFilters();
    return this.#load();
  }

  #row(task) {
    const about = [words(task.task_type), task.service ?? "no service", source(task.source), task.duration === null ? "" : seconds(task.duration)];
    const failed = task.status === "failed" && task.error ? firstLine(task.error, 90) : "";
    return h(
      "li",
      {},
      h(
        "a",
        { class: "row-link", href: `#/history/${task.id}`, "aria-current": task.id === this.#chosen ? "true" : null },
        state(task.status, { wordHidden: true }),
        h("span", { class: "texts" }, h("span", { class: "prompt", dir: "auto" }, task.prompt), h("span", { class: "soft", dir: "auto" }, [...about, failed].filter(Boolean).join(" · "))),
        h("time", { class: "soft", title: moment(task.created_at), datetime: new Date(task.created_at * 1000).toISOString() }, ago(task.created_at)),
      ),
    );
  }

  #showPager(found) {
    const key = `${wanted.offset} ${found.filtered}`;
    if (this.#pagerShows === key) return;
    this.#pagerShows = key;
    const last = Math.min(wanted.offset + PAGE, found.filtered);
    this.#pager.hidden = found.filtered <= PAGE && wanted.offset === 0;
    const turn = (step) => () => {
      wanted.offset = Math.max(0, wanted.offset + step * PAGE);
      return this.#load();
    };
    replace(
      this.#pager,
      wanted.offset > 0 ? button("Newer", turn(-1)) : h("span"),
      h("span", { class: "soft" }, `${count(Math.min(wanted.offset + 1, last))} to ${count(last)} of ${count(found.filtered)}`),
      last < found.filtered ? button("Older", turn(1)) : h("span"),
    );
  }

  /** Show one task beside the list, or none. */
  open(id) {
    this.#chosen = id;
    this.#panel?.close();
    this.#panel = null;
    this.#columns.classList.toggle("chosen", Boolean(id));
    for (const link of this.#list.querySelectorAll(".row-link")) {
      if (link.getAttribute("href") === `#/history/${id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!id) return replace(this.#detail);
    const head = h("div");
    this.#panel = new TaskPanel(id, { whyOpen: true, onAgain: (again) => go(`history/${again}`), onRecord: (record) => replace(head, this.#head(record)) });
    replace(this.#detail, head, this.#panel.element);
    return this.#panel.refresh();
  }

  #head(record) {
    const prompt = h("p", { class: "asked", dir: "auto" }, record.prompt.slice(0, 20_000));
    const facts = [words(record.task_type), record.model, `asked ${moment(record.created_at)}`, `from ${source(record.source)}`];
    return [
      h("div", { class: "row between above" }, h("a", { class: "button quiet back", href: "#/history" }, "All tasks"), ended(record) && button("Delete…", () => this.#delete(record), { kind: "quiet", icon: "trash" })),
      h("h2", { class: "hidden-word" }, "Task"),
      prompt,
      record.files.length > 0 && h("ul", { class: "chips", "aria-label": "Files" }, record.files.map((path) => h("li", { class: "chip" }, path))),
      h("p", { class: "soft" }, facts.filter(Boolean).join(" · ")),
      record.replay_of && h("p", { class: "soft" }, "asks again what ", h("a", { href: `#/history/${record.replay_of}` }, `task ${record.replay_of.slice(0, 8)}`), " asked"),
    ];
  }

  async #delete(record) {
    if (!(await confirmed("Delete this task?", `“${firstLine(record.prompt, 80)}”: its prompt, answer and times will be gone.`, "Delete"))) return;
    if ((await attempt(this.#trouble, () => api.deleteTask(record.id))) === undefined) return;
    say("The task is deleted.");
    go("history");
    await this.#load();
  }

  async #export() {
    const content = await attempt(this.#trouble, () => api.exported());
    if (!content) return;
    saveFile(content, "tasks.json");
    say("The history is saved as tasks.json.");
  }

  async #clear() {
    const which = wanted.status && wanted.status !== "running" ? wanted.status : "";
    const whose = which ? `Every task that is ${words(which)}` : "Every task that has ended";
    if (!(await confirmed("Clear the history?", `${whose} will be deleted, whatever is searched for now. Export first if you may want them back.`, "Delete them"))) return;
    const done = await attempt(this.#trouble, () => api.clearTasks(which));
    if (done) say(done.message);
    await this.#load();
  }
}

const ended = (record) => !["queued", "running"].includes(record.status);

function nothingFound(all) {
  return empty("Nothing found", "Plain words look in prompts and answers. service:qwen, type:coding, failed, today and since:3d narrow it down.", button("Show all tasks", all));
}

function teach() {
  return empty(
    "Nothing yet",
    "Ask something, or connect Claude Code (oxide mcp install): every task is kept here with its route, its attempts and its answer.",
    h("a", { class: "button primary", href: "#/ask" }, "Ask"),
    h("a", { class: "button", href: "#/settings" }, "Connect Claude Code"),
  );
}
