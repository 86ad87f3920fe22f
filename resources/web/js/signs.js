/** States: told by sign, colour and word, as in the windows. */

import { h } from "./dom.js";
import { STATES } from "/web/tokens.js";

/** The sign and the word of a task's or an attempt's status. */
export function state(status, { wordHidden = false } = {}) {
  const known = STATES[{ partial: "failed" }[status] ?? status] ?? STATES.queued;
  const word = status === "partial" ? "broke off" : known.word;
  return h(
    "span",
    { class: `state is-${known.colour}`, title: wordHidden ? word : null },
    h("span", { class: "sign", "aria-hidden": "true" }, known.sign),
    h("span", { class: wordHidden ? "hidden-word" : "" }, word),
  );
}

const TIERS = ["installed", "starts", "authenticated", "answers"];
const REACHED = ["installed", "running", "signed in", "answering"];
const LACKING = ["not installed", "not running", "signed out", "not answering"];

/** How far a service has been shown to be usable: four dots, and the words for them. */
export function tiers(service) {
  if (!service.enabled) return h("span", { class: "tiers" }, "switched off");
  if (service.checked_at === null) return h("span", { class: "tiers" }, "not looked at yet");
  const reached = TIERS.indexOf(service.tier) + 1;
  const failing = Boolean(service.failing);
  const colour = failing ? (reached ? "warn" : "bad") : "ok";
  const words = failing ? LACKING[TIERS.indexOf(service.failing)] : (REACHED[reached - 1] ?? "unknown");
  return h(
    "span",
    { class: "tiers" },
    h(
      "span",
      { class: "dots", "aria-hidden": "true" },
      TIERS.map((_, index) => h("i", { class: index < reached ? `is-${colour}` : "" })),
    ),
    h("span", { class: `is-${colour}` }, words),
    h("span", { class: "hidden-word" }, `, ${reached} of 4`),
  );
}
