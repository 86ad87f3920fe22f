/** Where a task goes, and why: in one line, and in full. */

import { h } from "./dom.js";
import { count, several, words } from "./format.js";

const NOT_ASKED = /^you asked for /;
const SAYS_NOTHING = /^(switched off$|fallback is switched off$|you asked for)/;

/** The short form of a reason: what stands before its first colon. */
const short = (reason) => reason.split(": ")[0];

/** Those that were passed over for a reason that is worth a line. */
const telling = (route) => route.skipped.filter((item) => !SAYS_NOTHING.test(item.reason));

/** For people: those that were only not asked for, because another service was, stand as one. */
function passedOver(route) {
  const others = route.skipped.filter((item) => NOT_ASKED.test(item.reason));
  if (others.length < 2) return route.skipped;
  const own = route.skipped.filter((item) => !NOT_ASKED.test(item.reason));
  return [...own, { service: `${others.length} others`, reason: others[0].reason }];
}

/**
 * The route in one line: `code review · qwen · because: rule "code_review → qwen"; gemini skipped: signed out`.
 * @param {string} taskType
 * @param {{candidates: object[], skipped: object[], rule: string | null, rule_from?: string}} route
 */
export function routeLine(taskType, route) {
  const skips = telling(route).map((item) => `${item.service} skipped: ${short(item.reason)}`);
  const first = route.candidates[0];
  if (!first) return [`${words(taskType)} · no service · `, skips.join("; ") || "none is switched on"];
  const from = route.rule_from ? ` (${route.rule_from})` : "";
  const why = route.rule ? `rule "${route.rule}"${from}` : first.reasons.map(short).join(", ");
  return [`${words(taskType)} · `, h("b", {}, first.service), ` · because: ${[why, ...skips].filter(Boolean).join("; ")}`];
}

/** The route of a record as it went: the service that had the last word stands first. */
export function wayTaken(record) {
  if (!record.route || !record.task_type) return [];
  const failed = [...new Set(record.attempts.map((item) => item.service))].filter((name) => name !== record.service);
  if (!failed.length || !record.service) return routeLine(record.task_type, record.route);
  const reasons = failed.map((name) => `${name} failed`);
  return routeLine(record.task_type, { candidates: [{ service: record.service, reasons }], skipped: record.route.skipped, rule: null });
}

/** What `explain` found, for the line under the prompt. */
export function preview(explained, services) {
  const first = explained.route.candidates[0];
  const place = first && services[first.service]?.locality === "cloud" ? "leaves this computer" : "stays on this computer";
  const size = `about ${several(explained.tokens, "token")}`;
  return [h("span", { class: "soft" }, "will go to: "), routeLine(explained.profile.task_type, explained.route), first ? ` · ${size} · ${place}` : ""];
}

/** All candidates with scores and reasons, then who was passed over and why. */
export function routeTable(route) {
  const candidates = route.candidates.map((item, index) =>
    h("tr", {}, h("td", {}, `${index + 1}`), h("th", { scope: "row" }, item.service), h("td", { class: "number" }, item.score.toFixed(2)), h("td", {}, item.reasons.join("; "))),
  );
  const skipped = passedOver(route).map((item) =>
    h("tr", { class: "soft" }, h("td", {}, h("span", { "aria-hidden": "true" }, "⊘")), h("th", { scope: "row" }, item.service), h("td", {}, ""), h("td", {}, `skipped: ${item.reason}`)),
  );
  if (!candidates.length && !skipped.length) return h("p", { class: "soft" }, "No service is configured.");
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": "Services and reasons" },
    h(
      "table",
      {},
      h("caption", { class: "hidden-word" }, "Which services could take it, in their order, and which could not"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "hidden-word" }, "Place")), ["Service", "Score", "Why"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, candidates, skipped),
    ),
  );
}

export const tokens = (value) =>
  value ? `${count(value.input)} tokens in, ${count(value.output)} out${value.estimated ? " (estimated)" : ""}` : "";
