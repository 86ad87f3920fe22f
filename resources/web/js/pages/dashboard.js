/** Dashboard: this machine, the tasks and the services, every two seconds. */

import { api } from "../api.js";
import { bars, LineChart } from "../chart.js";
import { h, replace } from "../dom.js";
import { count, megabytes, seconds, several, words } from "../format.js";
import { live, on } from "../live.js";
import { attempt, empty } from "../notices.js";
import { state, tiers } from "../signs.js";
import { STATES } from "/web/tokens.js";

export const title = "Dashboard";

export async function show(root) {
  const page = new DashboardPage(root);
  await page.start();
  return () => page.close();
}

const MOST_SHOWN = 20;

class Tile {
  #figure = h("p", { class: "figure" });
  #under = h("p", { class: "soft small" });

  constructor(title, chart) {
    this.chart = chart;
    this.element = h("section", { class: "tile" }, h("h2", {}, title), this.#figure, chart?.element, this.#under);
  }

  show(figure, under, values) {
    replace(this.#figure, figure);
    replace(this.#under, under);
    this.chart?.show(values);
  }
}

class DashboardPage {
  #trouble = h("div");
  #cpu = new Tile("Processor", new LineChart("Processor, percent", { format: percent }));
  #memory = new Tile("Memory", new LineChart("Memory, percent", { format: percent }));
  #working = new Tile("Tasks at work", new LineChart("Tasks at work", { most: null, format: count }));
  #healthy = new Tile("Services ready", new LineChart("Services ready", { most: null, format: count }));
  #now = h("div");
  #nowShows = null;
  #services = h("div");
  #history = h("div", { class: "tiles two" });
  #ends = [];
  #clock = 0;

  constructor(root) {
    root.append(
      this.#trouble,
      h("div", { class: "tiles" }, this.#cpu.element, this.#memory.element, this.#working.element, this.#healthy.element),
      h("div", { class: "tiles two" }, h("section", { class: "tile" }, h("h2", {}, "Working now"), this.#now), h("section", { class: "tile" }, h("h2", {}, "Services"), this.#services, h("p", {}, h("a", { href: "#/services" }, "All services")))),
      this.#history,
    );
  }

  async start() {
    this.#ends = [on("metrics", () => this.#show()), on("tasks", () => this.#showNow()), on("services", () => this.#showServices()), on("ended", () => this.#readStats())];
    this.#clock = setInterval(() => this.#showNow(), 1000);
    this.#showServices();
    this.#showNow();
    if (!live.metrics.length) {
      const first = await attempt(this.#trouble, () => api.metrics());
      if (first && !live.metrics.length) live.metrics = [first];
    }
    this.#show();
    await this.#readStats();
  }

  close() {
    clearInterval(this.#clock);
    for (const end of this.#ends) end();
  }

  #show() {
    const newest = live.metrics.at(-1);
    if (!newest) return;
    const { system, tasks, services } = newest;
    const all = (pick) => live.metrics.map(pick);
    this.#cpu.show(percent(system.cpu_percent), "of this computer", all((item) => item.system.cpu_percent));
    this.#memory.show(percent(system.memory_percent), `${megabytes(system.memory_used_mb)} of ${megabytes(system.memory_total_mb)}`, all((item) => item.system.memory_percent));
    this.#working.show(count(tasks.running), `${count(tasks.queued)} waiting, ${count(tasks.total)} kept in all`, all((item) => item.tasks.running));
    this.#healthy.show(`${count(services.healthy)} of ${count(services.enabled)}`, services.unhealthy ? `${several(services.unhealthy, "service")} with a problem` : "none has a problem", all((item) => item.services.healthy));
  }

  #showNow() {
    const running = [...live.running].slice(0, MOST_SHOWN);
    const key = running.map(([id, heard]) => `${id} ${heard.service} ${heard.taskType}`).join();
    if (this.#nowShows !== key) {
      this.#nowShows = key;
      const rows = running.map(([id, heard]) =>
        h("li", {}, state("running", { wordHidden: true }), " ", h("a", { href: `#/history/${id}` }, `${heard.service}: ${words(heard.taskType) || "task"}`), h("span", { class: "soft since" })),
      );
      const nothing = h("p", { class: "soft" }, "Nothing. ", h("a", { href: "#/ask" }, "Ask something"));
      replace(this.#now, rows.length ? h("ul", { class: "plain" }, rows) : nothing);
    }
    const now = Date.now() / 1000;
    for (const [index, place] of [...this.#now.querySelectorAll(".since")].entries()) place.textContent = ` · ${seconds(now - running[index][1].since)}`;
  }

  #showServices() {
    const enabled = Object.values(live.services).filter((item) => item.enabled);
    replace(
      this.#services,
      enabled.length ? h("ul", { class: "plain" }, enabled.map((item) => h("li", { class: "row between" }, h("span", {}, item.name), tiers(item)))) : h("p", { class: "soft" }, "None is switched on."),
    );
  }

  async #readStats() {
    const found = await attempt(this.#trouble, () => api.stats());
    if (!found) return;
    if (!found.total_tasks) {
      replace(this.#history, empty("No tasks yet", "Once something was asked, this shows how tasks ended, and which services took them.", h("a", { class: "button primary", href: "#/ask" }, "Ask")));
      return;
    }
    const facts = `${several(found.total_tasks, "task")} · ${percent(found.success_rate)} done · ${seconds(found.avg_duration)} on average`;
    replace(
      this.#history,
      section("How tasks ended", h("p", { class: "soft" }, facts), bars(found.tasks_by_status, { name: (key) => STATES[key]?.word ?? key, colour: (key) => STATES[key]?.colour ?? "soft", format: count })),
      section("Who took them", bars(found.tasks_by_service, { format: count })),
      section("What they were", bars(found.tasks_by_type, { name: words, format: count })),
    );
  }
}

const percent = (value) => `${Math.round(value)} %`;
const section = (heading, ...children) => h("section", { class: "tile" }, h("h2", {}, heading), children);
