/** Rules: where each type goes, and what a change would have meant for the last tasks, before it is saved. */

import { api } from "../api.js";
import { CorrectionList } from "../correcting.js";
import { button, h, replace, select } from "../dom.js";
import { ago, count, moment } from "../format.js";
import { live, on } from "../live.js";
import { attempt, confirmed, problem, say } from "../notices.js";

export const title = "Rules";

export async function show(root) {
  const page = new RulesPage(root);
  await page.start();
  return () => page.close();
}

class RulesPage {
  #trouble = h("div");
  #body = h("tbody");
  #clear = h("div", { class: "row end" });
  #corrections = new CorrectionList();
  #types = [];
  #rules = {};
  #ends;

  constructor(root) {
    root.append(
      h("p", { class: "soft" }, "Automatic lets Oxide choose for each task. A rule sends a type to one service for good; if that one cannot take a task, the next best does and says why."),
      this.#trouble,
      h(
        "table",
        { class: "rules" },
        h("caption", { class: "hidden-word" }, "Types of tasks and where they go"),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Tasks of this type"), h("th", { scope: "col" }, "Go to"))),
        this.#body,
      ),
      this.#clear,
      this.#corrections.element,
    );
    this.#ends = [on("rules", () => this.load()), on("services", () => this.#show())];
  }

  close() {
    for (const end of this.#ends) end();
  }

  /** One below the other: rows that come later must not push away what somebody is about to click. */
  async start() {
    await this.load();
    await this.#corrections.load();
  }

  async load() {
    const found = await attempt(this.#trouble, () => Promise.all([this.#types.length ? null : api.taskTypes(), api.rules()]));
    if (!found) return;
    this.#types = found[0]?.task_types ?? this.#types;
    this.#rules = Object.fromEntries(found[1].rules.map((rule) => [rule.task_type, rule.service]));
    replace(this.#trouble, found[1].problems.map((item) => problem({ title: item.title, detail: item.message, hint: item.hint })));
    this.#show();
  }

  /** The rows as they are now. One in which somebody is deciding stays as it is. */
  #show() {
    const had = this.#body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.type : null;
    const open = new Map([...this.#body.children].filter((row) => row.querySelector(".trial").childElementCount).map((row) => [row.dataset.type, row]));
    replace(this.#body, this.#types.map((type) => open.get(type.name) ?? this.#row(type, this.#rules[type.name] ?? "")));
    if (had && !this.#body.contains(document.activeElement)) this.#body.querySelector(`[data-type="${had}"] select`)?.focus();
    const all = Object.keys(this.#rules).length;
    replace(this.#clear, all > 0 && button(`Make all ${count(this.#types.length)} automatic…`, () => this.#removeAll(all)));
  }

  #row(type, current) {
    const trial = h("div", { class: "trial", role: "status" });
    const names = Object.values(live.services).filter((item) => item.enabled || item.name === current).map((item) => item.name);
    if (current && !names.includes(current)) names.push(current);
    const choose = select(`Service for ${type.label}`, [["", "Automatic"], ...names.map((name) => [name, name])], current, (value) => this.#try(type, current, value, trial, choose));
    const chosen = current ? h("span", { class: "chip rule-chip" }, "your rule") : "";
    return h(
      "tr",
      { data: { type: type.name } },
      h("th", { scope: "row" }, type.label, h("span", { class: "soft" }, type.description)),
      h("td", {}, h("div", { class: "row wrap" }, choose, chosen), trial),
    );
  }

  /** Say what the change would have meant. Only Save changes anything. */
  async #try(type, current, service, trial, choose) {
    if (service === current) return replace(trial);
    const put = () => this.#save(type, service, trial);
    const back = () => {
      choose.value = current;
      replace(trial);
      choose.focus();
    };
    const buttons = h("div", { class: "row" }, button("Save", put, { kind: "primary" }), button("Leave it", back));
    if (!service) return replace(trial, h("p", {}, `Oxide will choose again for each task; until now they went to ${current}.`), buttons);
    replace(trial, h("p", { class: "soft" }, "Looking at the last tasks…"));
    const found = await attempt(trial, () => api.tryRule(type.name, service));
    if (found && choose.value === service) replace(trial, outcome(found), buttons);
    return undefined;
  }

  async #save(type, service, trial) {
    const done = await attempt(trial, () => (service ? api.setRule(type.name, service) : api.removeRule(type.name)));
    if (!done) return;
    say(service ? `${type.label} goes to ${service} from now on.` : `${type.label} is automatic again.`);
    replace(trial);
    await this.load();
    this.#body.querySelector(`[data-type="${type.name}"] select`)?.focus();
  }

  async #removeAll(all) {
    if (!(await confirmed("Remove every rule?", `${count(all)} of them will be gone, and Oxide chooses for each task.`, "Remove them"))) return;
    const done = await attempt(this.#trouble, () => api.clearRules());
    if (done) say(done.message);
    for (const trial of this.#body.querySelectorAll(".trial")) trial.replaceChildren();
    await this.load();
  }
}

/** What the simulator found, in one sentence and in full. */
function outcome(found) {
  const groups = [
    [`${count(found.moved.length)} would have moved`, found.moved.map((item) => [item, `${item.from || "nobody"} → ${item.to}: ${item.why}${item.in_part ? ` (${item.in_part})` : ""}`])],
    [`${count(found.could_not.length)} could not have`, found.could_not.map((item) => [item, item.reason])],
    [`${count(found.decided_otherwise.length)} were decided otherwise`, found.decided_otherwise.map((item) => [item, item.reason])],
    [`${count(found.unknown.length)} are not known`, found.unknown.map((item) => [item, item.reason])],
  ].filter(([, items]) => items.length);
  const tasks = found.looked_at === 1 ? "task" : "tasks";
  const sentence = found.looked_at
    ? `would have moved ${count(found.moved.length)} of the last ${count(found.looked_at)} ${tasks}`
    : "there are no tasks yet that it could have moved";
  return [
    h("p", {}, h("b", {}, sentence), found.already_there ? `; ${count(found.already_there)} went to ${found.service} anyway` : ""),
    groups.map(([heading, items]) => h("details", {}, h("summary", {}, heading), h("ul", { class: "soft" }, items.slice(0, 50).map(([item, why]) => line(item, why))))),
    found.looked_at > 0 && h("p", { class: "soft small" }, found.caveats.join(" ")),
  ];
}

function line(item, why) {
  return h("li", {}, h("a", { href: `#/history/${item.id}` }, item.prompt), ` · ${why} · `, h("time", { title: moment(item.created_at) }, ago(item.created_at)));
}
