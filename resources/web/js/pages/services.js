/** Services: each one's state in four steps, what to do about it, a test, its models, and what it was sent today. */

import { api } from "../api.js";
import { button, h, icon, replace } from "../dom.js";
import { ago, count, firstLine, megabytes, moment, money, seconds, several } from "../format.js";
import { inline } from "../inline.js";
import { live, on, refreshServices } from "../live.js";
import { attempt, empty, say } from "../notices.js";
import { tiers } from "../signs.js";

export const title = "Services";

export async function show(root, { tools }) {
  const page = new ServicesPage(root, tools);
  await page.start();
  return () => page.close();
}

class ServicesPage {
  #trouble = h("div");
  #cards = h("div", { class: "cards" });
  #children = h("p", { class: "soft small children" });
  #known = new Map();
  #ends = [];

  constructor(root, tools) {
    tools.append(button("Check now", () => this.#checkAll(), { icon: "again" }));
    root.append(this.#trouble, this.#cards, this.#children);
  }

  async start() {
    this.#ends = [on("services", () => this.#show()), on("ended", () => this.#use())];
    this.#show();
    await refreshServices();
    await this.#use();
  }

  close() {
    for (const end of this.#ends) end();
  }

  #show() {
    const services = Object.values(live.services);
    if (!services.length) {
      replace(this.#cards, empty("No services", "They are configured in config.yaml; oxide config path prints where it is.", h("a", { class: "button", href: "#/settings" }, "Settings")));
      return;
    }
    for (const service of services) {
      if (!this.#known.has(service.name)) {
        this.#known.set(service.name, new Card(service.name));
        if (this.#known.size === 1) this.#cards.replaceChildren();
        this.#cards.append(this.#known.get(service.name).element);
      }
      this.#known.get(service.name).show(service);
    }
  }

  #use() {
    return Promise.allSettled([this.#showChildren(), ...[...this.#known.values()].map((card) => card.readUse())]);
  }

  /** What runs on this machine because of Oxide. */
  async #showChildren() {
    const { children } = await api.children();
    const memory = children.reduce((sum, item) => sum + item.memory_bytes, 0) / 2 ** 20;
    const now = Date.now() / 1000;
    const each = children.map((item) => `${item.purpose} ${seconds(now - item.started_at)}`);
    replace(this.#children, children.length > 0 && [several(children.length, "program"), " running", ` · ${megabytes(memory)} · `, each.join(", ")]);
  }

  async #checkAll() {
    const enabled = Object.values(live.services).filter((item) => item.enabled);
    await Promise.allSettled(enabled.map((item) => this.#known.get(item.name).check()));
    await refreshServices();
    const ready = Object.values(live.services).filter((item) => item.healthy).length;
    say(`${count(ready)} of ${several(enabled.length, "service")} ready.`);
  }
}

class Card {
  #head = h("div", { class: "row between wrap" });
  #fix = h("div");
  #use = h("p", { class: "soft use" });
  #result = h("div", { class: "result", role: "status" });
  #row = h("div", { class: "row wrap" });
  #models = h("details", {});
  #busy = false;
  #service = null;

  constructor(name) {
    this.name = name;
    this.element = h("article", { class: "card", "aria-label": name, data: { service: name } }, this.#head, this.#fix, h("div", { class: "row between wrap" }, this.#use, this.#row), this.#result, this.#models);
    this.#models.addEventListener("toggle", () => this.#models.open && this.#readModels());
  }

  show(service) {
    const before = JSON.stringify(this.#service);
    if (before === JSON.stringify(service)) return;
    this.#service = service;
    const place = service.locality === "local" ? "stays on this computer" : "leaves this computer";
    const facts = [service.description, service.version, service.model ?? service.recommended_model, service.max_context_tokens && `${count(service.max_context_tokens)} tokens of context`, place];
    replace(
      this.#head,
      h("div", {}, h("h2", {}, service.name), h("p", { class: "soft" }, facts.filter(Boolean).join(" · "))),
      h("div", { class: "standing" }, tiers(service), service.checked_at && h("span", { class: "soft small", title: moment(service.checked_at) }, `looked at ${ago(service.checked_at)}`)),
    );
    replace(this.#fix, service.enabled && service.failing && h("p", { class: "fix" }, icon("warning"), h("span", {}, inline(service.message), service.fix && h("span", { class: "todo" }, inline(service.fix)))));
    this.element.classList.toggle("off", !service.enabled);
    this.#showActions(service);
  }

  #showActions(service) {
    if (this.#busy) return;
    if (!service.enabled) {
      replace(this.#row, h("span", { class: "soft" }, `Switched off: set services.${service.name}.enabled to true in config.yaml.`));
      this.#models.hidden = true;
      return;
    }
    const startable = service.api_type === "ollama" && service.locality === "local" && service.failing === "starts";
    replace(
      this.#row,
      button("Test", () => this.#test(), { label: `Test ${service.name}` }),
      button("Check", () => this.check(true), { kind: "quiet", label: `Check ${service.name}` }),
      startable && button("Start Ollama", () => this.#start()),
    );
    if (!this.#models.childElementCount) replace(this.#models, h("summary", {}, service.models.length ? several(service.models.length, "model") : "Models"));
  }

  /** Look how it is now; that costs no quota. */
  async check(tell = false) {
    const found = await attempt(this.#result, () => api.checkService(this.name));
    if (!found) return;
    live.services[this.name] = found;
    this.show(found);
    if (tell) replace(this.#result, h("p", { class: found.healthy ? "is-ok" : "is-warn" }, found.healthy ? "Nothing is wrong as far as can be seen without asking it." : found.message));
  }

  async #start() {
    replace(this.#result, h("p", { class: "soft" }, "Starting…"));
    if (await attempt(this.#result, () => api.startService(this.name))) await this.check(true);
  }

  /** Ask it something small. */
  async #test() {
    this.#busy = true;
    replace(this.#result, h("p", { class: "soft" }, `Asking ${this.name} what 2+2 is…`));
    const found = await attempt(this.#result, () => api.testService(this.name));
    this.#busy = false;
    if (!found) return;
    const answer = found.success ? `“${firstLine(found.response, 200)}”` : (found.error ?? "It failed.");
    replace(
      this.#result,
      h("p", { class: found.success ? "is-ok" : "is-bad" }, found.success ? "✓ It answers" : "✕ It failed", found.duration !== null && ` after ${seconds(found.duration)}`, ": ", h("span", { class: "quoted", dir: "auto" }, answer)),
      h("a", { href: `#/history/${found.task_id}` }, "See the task"),
    );
    await Promise.allSettled([refreshServices(), this.readUse()]);
  }

  async readUse() {
    if (!this.#service?.enabled) return;
    const [use, speed] = await Promise.allSettled([api.use(this.name), api.speed(this.name)]); // complete without them, too
    replace(this.#use, use.value && useLine(use.value), speed.value?.first_text_s !== null && speedLine(speed.value));
  }

  async #readModels() {
    const place = h("div");
    replace(this.#models, this.#models.firstElementChild, place);
    const found = await attempt(place, () => api.models(this.name));
    if (!found) return;
    if (!found.models.length) return replace(place, h("p", { class: "soft" }, "It tells of none."));
    replace(place, h("ul", { class: "models" }, found.models.map((item) => h("li", {}, h("code", {}, item.name), item.name === found.recommended_model && h("span", { class: "chip" }, "Oxide's choice")))));
  }
}

function speedLine(speed) {
  if (!speed?.answers) return "";
  const rate = speed.tokens_per_s === null ? "" : `, ${count(Math.round(speed.tokens_per_s))} tokens a second`;
  return h("span", { title: `Medians of the last ${several(speed.answers, "answer")}` }, ` · ${seconds(speed.first_text_s)} to the first text${rate}`);
}

function useLine(use) {
  const tokens = use.input_tokens + use.output_tokens;
  const parts = [`today: ${several(use.requests, "request")}`, tokens ? `${count(tokens)} tokens` : "", use.cost ? `cost ${money(use.cost)}` : ""];
  const text = parts.filter(Boolean).join(" · ");
  if (use.requests_left_today === null) return text;
  const most = use.requests + use.requests_left_today;
  const bar = h("i");
  bar.style.setProperty("--part", `${(100 * use.requests) / (most || 1)}%`);
  const meter = { role: "meter", "aria-label": "Quota of today", "aria-valuemin": 0, "aria-valuemax": most, "aria-valuenow": use.requests };
  return [h("span", { class: "quota", ...meter }, bar), ` ${count(use.requests)} of ${count(most)} requests today`, tokens ? ` · ${count(tokens)} tokens` : ""];
}
