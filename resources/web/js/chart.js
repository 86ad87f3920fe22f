/** Charts as SVG: a line over time, and bars side by side. Each also says its figures in words. */

import { h, svg } from "./dom.js";

const WIDTH = 300;
const HEIGHT = 72;

/**
 * A line over time.
 * @param {string} label what it shows, for those who hear it
 * @param {{least?: number, most?: number, unit?: string, slots?: number}} [options] `slots`: how many values fill it
 */
export class LineChart {
  #line = svg("polyline", { class: "line", fill: "none" });
  #area = svg("polygon", { class: "area" });

  constructor(label, { most = 100, slots = 60, format = (value) => String(Math.round(value)) } = {}) {
    Object.assign(this, { label, most, slots, format });
    const grid = [0.25, 0.5, 0.75].map((part) => svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT * part, y2: HEIGHT * part }));
    this.#title = svg("title", {}, label);
    this.element = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, this.#title, grid, this.#area, this.#line);
  }

  #title;

  /** @param {number[]} values oldest first; the newest stands at the right edge */
  show(values) {
    const most = this.most ?? Math.max(1, ...values) * 1.15;
    const shown = values.slice(-this.slots);
    const step = WIDTH / Math.max(1, this.slots - 1);
    const points = shown.map((value, index) => {
      const x = WIDTH - (shown.length - 1 - index) * step;
      const y = HEIGHT - 1 - (HEIGHT - 2) * Math.min(1, Math.max(0, value / most));
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    this.#line.setAttribute("points", points.join(" "));
    const first = WIDTH - (shown.length - 1) * step;
    this.#area.setAttribute("points", points.length ? `${first.toFixed(1)},${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}` : "");
    const words = shown.length ? `${this.label}: now ${this.format(shown.at(-1))}, at most ${this.format(Math.max(...shown))} in the last minutes` : `${this.label}: nothing measured yet`;
    this.element.setAttribute("aria-label", words);
    this.#title.textContent = words;
  }
}

/**
 * Bars with their names and figures, the longest first.
 * @param {Record<string, number>} figures
 */
export function bars(figures, { name = (key) => key, colour = () => "accent", format = (value) => String(value) } = {}) {
  const entries = Object.entries(figures).filter(([, value]) => value > 0).sort((one, other) => other[1] - one[1]);
  const most = Math.max(1, ...entries.map(([, value]) => value));
  return h(
    "dl",
    { class: "bars" },
    entries.map(([key, value]) => {
      const bar = h("span", { class: `fill is-${colour(key)}`, "aria-hidden": "true" });
      bar.style.setProperty("--part", `${(100 * value) / most}%`);
      return h("div", {}, h("dt", {}, name(key)), h("dd", {}, h("span", { class: "track", "aria-hidden": "true" }, bar), h("span", { class: "number" }, format(value))));
    }),
  );
}
