/** The flight recorder: what was tried, when and how it went, as bars on one line of time and in words. */

import { h } from "./dom.js";
import { count, money, seconds } from "./format.js";
import { tokens } from "./route.js";
import { state } from "./signs.js";

const NARROWEST = 1.5; // percent: the shortest attempt can still be seen

const COLOURS = { completed: "ok", running: "accent", cancelled: "soft", interrupted: "warn" };

/** The attempts of a record as bars; what is before a bar's darker part is the wait for the first text. */
export function timeline(record, now = Date.now() / 1000) {
  if (!record.attempts.length) return null;
  const start = Math.min(record.attempts[0].started_at, record.started_at ?? Infinity);
  const end = Math.max(...record.attempts.map((item) => item.ended_at ?? now), start + 0.001);
  const place = (moment) => Math.max(0, Math.min(100, ((moment - start) / (end - start)) * 100));
  return h(
    "ol",
    { class: "timeline", "aria-label": "Attempts, in their order" },
    record.attempts.map((item, index) => attempt(item, index, place, now)),
  );
}

function attempt(item, index, place, now) {
  const ended = item.ended_at ?? now;
  const bar = h("span", { class: `bar is-${COLOURS[item.status] ?? "bad"}`, "aria-hidden": "true" });
  const width = Math.max(NARROWEST, place(ended) - place(item.started_at));
  bar.style.setProperty("--from", `${Math.min(place(item.started_at), 100 - NARROWEST)}%`);
  bar.style.setProperty("--width", `${width}%`);
  if (item.first_chunk_at !== null) {
    const waited = (item.first_chunk_at - item.started_at) / Math.max(0.001, ended - item.started_at);
    bar.append(h("i"));
    bar.style.setProperty("--waited", `${Math.round(100 * Math.max(0, Math.min(1, waited)))}%`);
  } else bar.style.setProperty("--waited", "100%");
  return h(
    "li",
    {},
    h("div", { class: "track" }, bar),
    h("div", { class: "told" }, h("b", {}, `${index + 1}. ${item.service}`), " ", state(item.status), ` ${facts(item, ended)}`),
    item.error && h("div", { class: "soft" }, item.error),
  );
}

function facts(item, ended) {
  const first = item.first_chunk_at === null ? "no text" : `first text after ${seconds(item.first_chunk_at - item.started_at)}`;
  const place = { true: "left this computer", false: "stayed on this computer" }[item.left_machine];
  const parts = [
    item.model,
    seconds(ended - item.started_at),
    first,
    item.chars ? `${count(item.chars)} characters` : "",
    tokens(item.tokens),
    item.cost ? `cost ${money(item.cost)}` : "",
    place,
  ];
  return `· ${parts.filter(Boolean).join(" · ")}`;
}

/** What became of each file of an analysis. */
export function receipt(files) {
  if (!files?.length) return null;
  const counts = ["read", "truncated", "skipped"].map((status) => [status, files.filter((item) => item.status === status).length]);
  const summary = counts.filter(([, number]) => number).map(([status, number]) => `${count(number)} ${status}`).join(", ");
  const rows = files.slice(0, 1000).map((item) =>
    h("tr", {}, h("th", { scope: "row", class: "path" }, item.path), h("td", {}, item.status), h("td", {}, item.service ?? ""), h("td", {}, item.reason)),
  );
  return h(
    "details",
    { class: "receipt" },
    h("summary", {}, `Receipt: ${summary}`),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "group", "aria-label": "Receipt" },
      h("table", {}, h("thead", {}, h("tr", {}, ["File", "What became of it", "By", "Why"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows)),
    ),
    files.length > 1000 && h("p", { class: "soft" }, `and ${count(files.length - 1000)} more; the task's record has them all.`),
  );
}
