/** The page: which section shows, how the connection is, and what the sidebar says. */

import { session } from "./api.js";
import { button, h, loadIcons, replace } from "./dom.js";
import { count } from "./format.js";
import { connect, disconnect, live, on, reconnect } from "./live.js";
import { problem } from "./notices.js";
import { startNotifying } from "./notifying.js";
import * as analyze from "./pages/analyze.js";
import * as ask from "./pages/ask.js";
import * as dashboard from "./pages/dashboard.js";
import * as history from "./pages/history.js";
import * as rules from "./pages/rules.js";
import * as services from "./pages/services.js";
import * as settings from "./pages/settings.js";
import { where } from "./router.js";

const PAGES = { ask, analyze, history, rules, services, dashboard, settings };

const main = document.getElementById("page");
const banner = document.getElementById("connection");
const status = document.getElementById("status");

/** The page that shows: its name, and what closes it, or what takes another id. */
let shown = { name: "", close: () => {}, change: null };

async function route() {
  const { name, id } = where();
  const page = PAGES[name] ?? PAGES.ask;
  if (shown.name === name && shown.change) return shown.change({ id });
  const moved = Boolean(shown.name);
  shown.close();
  const heading = h("h1", { tabindex: -1 }, page.title);
  const tools = h("div", { class: "row" });
  const root = h("div", { class: `page ${name}` });
  replace(main, h("div", { class: "row between title" }, heading, tools), root);
  document.title = `${page.title} · Oxide`;
  for (const link of document.querySelectorAll("nav a[data-page]")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (moved) heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  shown = { name, close: () => {}, change: null };
  const mine = shown;
  const made = await page.show(root, { id, tools });
  const close = typeof made === "function" ? made : (made?.close ?? (() => {}));
  if (mine !== shown) return close(); // somebody was quicker
  Object.assign(shown, { close, change: made?.change ?? null });
  return undefined;
}

function showStatus() {
  const enabled = Object.values(live.services).filter((item) => item.enabled);
  const ready = enabled.filter((item) => item.healthy).length;
  const working = live.running.size;
  const sign = working ? ["●", "accent"] : ready < enabled.length ? ["⚠", "warn"] : ["✓", "ok"];
  const text = [working ? `${count(working)} working` : "", enabled.length ? `${count(ready)} of ${count(enabled.length)} ready` : "no services"];
  const told = text.filter(Boolean).join(" · ");
  if (status.textContent === `${sign[0]} ${told}`) return; // nothing new to be read out
  replace(status, h("span", { class: `sign is-${sign[1]}`, "aria-hidden": "true" }, sign[0]), " ", told);
}

function showConnection({ state }) {
  banner.hidden = state === "connected";
  if (state === "connected") return replace(banner);
  return replace(banner, h("span", {}, "Reconnecting to Oxide. What is shown may be old."), button("Try now", () => reconnect()));
}

/** The server does not know this browser: nothing on this page can work any more. */
function showSignedOut() {
  disconnect();
  shown.close();
  shown = { name: "", close: () => {}, change: null };
  banner.hidden = true;
  replace(status, "signed out");
  const way = { title: "This page is signed out", detail: "Oxide was started again, or this browser has not been let in.", hint: "Run oxide status --link in a terminal and open what it prints, or choose Dashboard in the tray's menu." };
  replace(main, h("h1", { tabindex: -1 }, "Signed out"), problem(way));
}

session.ended = showSignedOut;
on("services", showStatus);
on("tasks", showStatus);
on("connection", showConnection);
window.addEventListener("hashchange", route);
loadIcons();
startNotifying();
connect();
route();
