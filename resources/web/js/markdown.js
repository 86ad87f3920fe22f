/**
 * Markdown as models write it: headings, paragraphs, lists, quotes, code, tables, rules. What it reads is untrusted: it
 * builds nodes from texts, nothing in it is ever read as HTML, and everything that could grow without end is bounded.
 */

import { h } from "./dom.js";
import { codeText, direction, inline } from "./inline.js";

const DEEPEST = 10;
const MOST_CELLS = 5000;
const MOST_COLUMNS = 40;

// No pattern here looks at a sign twice: a line is as long as whoever wrote it likes.
const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?=\s|$)/;
const RULE = /^ {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:( {1,4})(?=\S)| *$|\s)/;
const LONGEST_TABLE_LINE = 4000;

/**
 * The blocks that a text begins with, one after the other.
 * @param {string} text
 * @returns {{source: string, render: () => Node}[]} `source` is the block's own text: together they are the whole text
 */
export function blocks(text, depth = 0) {
  const lines = text.split("\n");
  const found = [];
  let at = 0;
  while (at < lines.length) {
    const start = at;
    while (at < lines.length && !lines[at].trim()) at += 1;
    if (at >= lines.length) {
      if (found.length) found.at(-1).source += lines.slice(start).map((line) => `${line}\n`).join("");
      break;
    }
    const { end, render } = block(lines, at, depth);
    found.push({ source: lines.slice(start, end).map((line) => `${line}\n`).join(""), render });
    at = end;
  }
  return found;
}

/** A whole text as nodes. */
export function markdown(text, depth = 0) {
  return blocks(text, depth).map((item) => item.render());
}

function block(lines, at, depth) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return fenced(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) return { end: at + 1, render: () => headingNode(heading[1].length, line.slice(heading[0].length)) };
  if (RULE.test(line)) return { end: at + 1, render: () => h("hr") };
  if (QUOTE.test(line)) return quote(lines, at, depth);
  if (ITEM.test(line)) return list(lines, at, depth);
  if (isTable(lines, at)) return table(lines, at);
  return paragraph(lines, at);
}

/** An answer's headings stand below the page's own, which has the first two levels. */
function headingNode(level, text) {
  return h(`h${Math.min(6, Math.max(3, level + 1))}`, { dir: direction(text) }, inline(text.trim().replace(/ #{1,6}$/, "")));
}

function isTable(lines, at) {
  const under = lines[at + 1] ?? "";
  if (!lines[at].includes("|") || !under.includes("-") || under.length > LONGEST_TABLE_LINE) return false;
  return cells(under).every((cell) => /^:?-+:?$/.test(cell));
}

function fenced(lines, at, [, fence, info]) {
  const indent = /^ */.exec(lines[at])[0].length;
  let end = at + 1;
  const closes = new RegExp(`^ {0,3}\\${fence[0]}{${fence.length},}\\s*$`);
  while (end < lines.length && !closes.test(lines[end])) end += 1;
  const body = lines.slice(at + 1, end).map((line) => line.replace(new RegExp(`^ {0,${indent}}`), ""));
  const language = info.trim().split(/\s/)[0];
  return { end: Math.min(end + 1, lines.length), render: () => codeBlock(body.join("\n"), language) };
}

/** A block of code; it scrolls, so the keyboard must be able to reach it. */
export function codeBlock(text, language = "") {
  const label = language ? `Code, ${language}` : "Code";
  return h("pre", { tabindex: 0, role: "group", "aria-label": label, dir: "ltr" }, h("code", {}, codeText(text.replace(/\n+$/, ""))));
}

function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && lines[end].trim() && (QUOTE.test(lines[end]) || !begins(lines[end]))) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, "")).join("\n");
  return { end, render: () => h("blockquote", { dir: direction(inside) }, deeper(inside, depth)) };
}

/** What stands within another block; past a depth nobody reads, as plain text. */
function deeper(text, depth) {
  return depth < DEEPEST ? markdown(text, depth + 1) : [text];
}

function begins(line) {
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);
}

function list(lines, at, depth) {
  const ordered = /\d/.test(ITEM.exec(lines[at])[2]);
  const first = Number.parseInt(ITEM.exec(lines[at])[2], 10);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const item = ITEM.exec(lines[end]);
    if (!item || RULE.test(lines[end]) || /\d/.test(item[2]) !== ordered) break;
    const indent = item[1].length + item[2].length + (item[3]?.length ?? 1);
    const [body, next] = itemBody(lines, end, indent);
    items.push(body);
    end = next;
  }
  const loose = items.some((body) => /\n\s*\n/.test(body.trim()));
  const tag = ordered ? "ol" : "ul";
  const start = ordered && first !== 1 ? first : null;
  return { end, render: () => h(tag, { start, dir: direction(items[0]) }, items.map((body) => listItem(body, loose, depth))) };
}

/** The lines of one item without their indent, and where the next one begins. */
function itemBody(lines, at, indent) {
  const body = [lines[at].slice(indent)];
  let end = at + 1;
  while (end < lines.length) {
    const line = lines[end];
    if (!line.trim()) {
      const next = lines[end + 1] ?? "";
      if (!/^\s/.test(next) && !ITEM.test(next)) break;
      body.push("");
    } else if (line.slice(0, indent).trim() === "" && line.length >= indent) body.push(line.slice(indent));
    else if (/^\s{2,}\S/.test(line) && indent > 2) body.push(line.trimStart());
    else if (begins(line) || !body.at(-1).trim()) break;
    else body.push(line.trimStart());
    end += 1;
  }
  return [body.join("\n"), end];
}

function listItem(body, loose, depth) {
  const task = /^\[([ xX])\] /.exec(body);
  const made = blocks(task ? body.slice(4) : body, depth + 1);
  const inside = depth >= DEEPEST ? [body] : made.map((item) => item.render());
  if (!loose && inside[0]?.tagName === "P") inside.splice(0, 1, ...inside[0].childNodes);
  const box = task && h("span", { class: "box" }, task[1] === " " ? "☐ " : "☑ ");
  return h("li", {}, box, inside);
}

function table(lines, at) {
  const head = cells(lines[at]);
  const aligned = cells(lines[at + 1]).map(alignment);
  let end = at + 2;
  while (end < lines.length && lines[end].trim() && lines[end].includes("|")) end += 1;
  const rows = lines.slice(at + 2, end);
  if (head.length > MOST_COLUMNS || head.length * rows.length > MOST_CELLS) {
    return { end, render: () => codeBlock(lines.slice(at, end).join("\n"), "table") };
  }
  return { end, render: () => tableNode(head, aligned, rows.map(cells)) };
}

function tableNode(head, aligned, rows) {
  const side = (column, text) => ({ class: aligned[column] ?? "", dir: direction(text) });
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, head.map((cell, column) => h("th", { scope: "col", ...side(column, cell) }, inline(cell))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, head.map((_, column) => h("td", side(column, row[column] ?? ""), inline(row[column] ?? "")))))),
    ),
  );
}

function cells(line) {
  const inside = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function alignment(cell) {
  if (cell.startsWith(":") && cell.endsWith(":")) return "centre";
  return cell.endsWith(":") ? "end" : "";
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !begins(lines[end]) && !isTable(lines, end)) end += 1;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n").trimEnd();
  return { end, render: () => h("p", { dir: direction(text) }, inline(text)) };
}
