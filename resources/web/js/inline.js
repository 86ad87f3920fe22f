/** The inline half of Markdown: text, code, emphasis, links. Untrusted: it makes nodes and never reads HTML. */

import { h } from "./dom.js";

const DEEPEST = 8;
const LONGEST_LINK = 2048;
const SPECIAL = /[\\`*_~[!<h\n]/g;
const BARE_LINK = /^https?:\/\/[^\s<>"'`|\\^{}]+/i;
// Signs that change the direction of what follows: in code they could make it read other than it is.
const DIRECTION = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g;

/** Code as it is, with the signs shown that would otherwise change how it reads. */
export function codeText(text) {
  return text.replace(DIRECTION, shown);
}

function shown(sign) {
  return `⟨U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

// These two turn around even letters that have a direction of their own; no prose needs them.
const OVERRIDE = /[\u202d\u202e]/g;

const LETTER = /\p{L}/u;
const FROM_THE_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/** `rtl` for a text whose first letter is read from the right. The browser's own `auto` looks at all siblings each time. */
export function direction(text) {
  const letter = LETTER.exec(text)?.[0];
  return letter && FROM_THE_RIGHT.test(letter) ? "rtl" : null;
}

/** An address that a link may have, `null` for every other one. */
export function safeAddress(text) {
  if (text.length > LONGEST_LINK || !/^https?:\/\//i.test(text)) return null;
  try {
    const url = new URL(text);
    return ["http:", "https:"].includes(url.protocol) && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * The nodes of a piece of text.
 * @param {string} text
 * @param {number} [depth]
 * @returns {(Node | string)[]}
 */
export function inline(text, depth = 0) {
  if (!depth) text = text.replace(OVERRIDE, shown);
  if (depth > DEEPEST) return [text];
  const found = [];
  let plain = "";
  let at = 0;
  const put = (node) => {
    if (plain) found.push(plain);
    plain = "";
    found.push(node);
  };
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const next = SPECIAL.exec(text)?.index ?? text.length;
    plain += text.slice(at, next);
    at = next;
    if (at >= text.length) break;
    const taken = take(text, at, depth);
    if (taken) {
      if (typeof taken.node === "string") plain += taken.node;
      else put(taken.node);
      at = taken.end;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  if (plain) found.push(plain);
  return found;
}

/** What begins at a sign: its node, and where it ends; `null` where the sign is just a sign. */
function take(text, at, depth) {
  switch (text[at]) {
    case "\\":
      return /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "") ? { node: text[at + 1], end: at + 2 } : null;
    case "`":
      return code(text, at);
    case "*":
    case "_":
    case "~":
      return emphasis(text, at, depth);
    case "!":
      return text[at + 1] === "[" ? link(text, at + 1, depth, "image: ") : null;
    case "[":
      return link(text, at, depth, "");
    case "<":
      return angled(text, at);
    case "h":
      return bare(text, at);
    default:
      return { node: text.slice(at - 2, at) === "  " ? h("br") : "\n", end: at + 1 };
  }
}

const TICKS = /`+/y;

function code(text, at) {
  TICKS.lastIndex = at;
  const fence = TICKS.exec(text)[0]; // the whole run, or each part of a long one would be looked for again
  const end = closing(text, fence, at + fence.length);
  if (end < 0) return { node: fence, end: at + fence.length };
  const inside = text.slice(at + fence.length, end).replaceAll("\n", " ");
  const trimmed = /^ .*[^ ].* $/.test(inside) ? inside.slice(1, -1) : inside;
  return { node: h("code", { dir: "ltr" }, codeText(trimmed)), end: end + fence.length };
}

/** Where a run of exactly these backticks comes again. */
function closing(text, fence, from) {
  for (let at = text.indexOf(fence, from); at >= 0; ) {
    let end = at + fence.length;
    if (text[end] !== "`" && text[at - 1] !== "`") return at;
    while (text[end] === "`") end += 1;
    at = text.indexOf(fence, end);
  }
  return -1;
}

const MARKS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "del"],
  ["*", "em"],
  ["_", "em"],
];

function emphasis(text, at, depth) {
  for (const [mark, tag] of MARKS) {
    if (!text.startsWith(mark, at)) continue;
    const end = emphasisEnd(text, at, mark);
    if (end < 0) continue;
    const inside = text.slice(at + mark.length, end);
    return { node: h(tag, {}, inline(inside, depth + 1)), end: end + mark.length };
  }
  const run = /^([*_~])\1*/.exec(text.slice(at, at + 64))[0];
  return { node: run, end: at + run.length };
}

const FARTHEST = 2000; // an open mark is looked after no farther than that, so that many of them cost little

function emphasisEnd(text, at, mark) {
  const start = at + mark.length;
  const inWord = mark[0] === "_" && /[\p{L}\p{N}]/u.test(text[at - 1] ?? "");
  if (inWord || /\s|^$/.test(text[start] ?? "")) return -1;
  const window = text.slice(start, start + FARTHEST);
  for (let end = window.indexOf(mark, 1); end >= 0; end = window.indexOf(mark, end + 1)) {
    const longer = mark.length === 1 && (window[end + 1] === mark || window[end - 1] === mark);
    const after = window[end + mark.length] ?? "";
    const splitsWord = mark[0] === "_" && /[\p{L}\p{N}]/u.test(after);
    if (!longer && !splitsWord && !/\s/.test(window[end - 1])) return start + end;
  }
  return -1;
}

/** `[text](address)`; of an image only a link to it is shown, since showing it would fetch it. */
function link(text, at, depth, before) {
  const shape = /^\[((?:\\.|[^[\]\\]|\[[^[\]]*\])*)\]\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/;
  const match = shape.exec(text.slice(at, at + FARTHEST));
  if (!match) return null;
  const address = safeAddress(match[2]);
  const words = match[1] || match[2];
  const end = at + match[0].length;
  if (!address) return { node: h("span", {}, before, inline(words, depth + 1)), end };
  return { node: anchor(address, [before, ...inline(words.replaceAll("[", "\\["), depth + 1)]), end };
}

function angled(text, at) {
  const match = /^<(https?:\/\/[^\s<>]+)>/i.exec(text.slice(at, at + LONGEST_LINK));
  const address = match && safeAddress(match[1]);
  return address ? { node: anchor(address, [match[1]]), end: at + match[0].length } : null;
}

function bare(text, at) {
  if (/[\p{L}\p{N}]/u.test(text[at - 1] ?? "")) return null;
  const match = BARE_LINK.exec(text.slice(at, at + LONGEST_LINK));
  const shown = match?.[0].replace(/[.,:;!?)\]*_~]+$/, "");
  const address = shown && safeAddress(shown);
  return address ? { node: anchor(address, [shown]), end: at + shown.length } : null;
}

function anchor(address, children) {
  const host = new URL(address).host;
  return h("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank", title: `Opens ${host}` }, children);
}
