/** Figures and moments as people say them. */

const NUMBER = new Intl.NumberFormat("en");
const MOMENT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });

export const count = (value) => NUMBER.format(value);

/** A number with its noun: `1 file`, `2 files`. */
export const several = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** `code_review` in words. */
export const words = (name) => String(name ?? "").replaceAll("_", " ");

/** Seconds: `0.4 s`, `12 s`, `3 min 5 s`. */
export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 60) return `${Math.round(value)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
}

/** How long ago a moment in Unix seconds was. */
export function ago(moment, now = Date.now() / 1000) {
  const passed = now - moment;
  if (passed < 10) return "just now";
  if (passed < 60) return `${Math.floor(passed)} s ago`;
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.floor(passed / 3600)} h ago`;
  if (passed < 172800) return "yesterday";
  return DAY.format(moment * 1000);
}

/** A moment in full, for those who point at it. */
export const moment = (value) => (value ? MOMENT.format(value * 1000) : "");

/** `1.2 GB` from megabytes. */
export const megabytes = (value) => (value < 1024 ? `${Math.round(value)} MB` : `${(value / 1024).toFixed(1)} GB`);

/** Money: as many digits as it needs. */
export const money = (value) => (value >= 0.01 || value === 0 ? value.toFixed(2) : value.toPrecision(2));

/** The first line that says anything. */
export function firstLine(text, longest = 160) {
  const line = String(text ?? "").split("\n").map((item) => item.trim()).find(Boolean) ?? "";
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

/** Where a task came from, in words. */
export const source = (name) =>
  ({ cli: "terminal", python: "Python", http: "web", mcp: "Claude Code or another MCP client", desktop: "window" })[name] ?? name;
