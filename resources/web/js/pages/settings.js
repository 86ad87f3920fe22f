/** Settings: what holds, where it stands, and what this browser may do. Nothing of the engine is changed here. */

import { api } from "../api.js";
import { button, h, replace } from "../dom.js";
import { KeyList } from "../keys.js";
import { attempt, problem, say } from "../notices.js";
import { isOn, mayNotify, setNotifying } from "../notifying.js";

export const title = "Settings";

export async function show(root) {
  const trouble = h("div");
  const place = h("div", { class: "groups" });
  const search = h("input", { type: "search", id: "find", placeholder: "Find a setting", autocomplete: "off", on: { input: () => filter(place, search.value) } });
  root.append(h("label", { class: "hidden-word", for: "find" }, "Find a setting"), search, trouble, place);
  const found = await attempt(trouble, () => api.settings());
  if (!found) return;
  const kept = new KeyList(found.keys.map((item) => fact(item.service, item.state, item.help)));
  replace(place, browser(), files(found), kept.element, found.groups.map(group), claude(), programs());
  await kept.load();
}

function browser() {
  const told = h("div", { role: "status" });
  const box = h("input", {
    type: "checkbox",
    id: "notify",
    on: {
      change: async () => {
        if (box.checked && !(await mayNotify())) {
          box.checked = false;
          replace(told, problem({ title: "No notifications", detail: "This browser does not let this page show them.", hint: "Allow notifications for this address in the browser's settings." }));
          return;
        }
        setNotifying(box.checked);
        say(box.checked ? "A notification tells of tasks that end while this page is in the background." : "No notifications.");
      },
    },
  });
  box.checked = isOn();
  return section("This browser", h("div", { class: "setting" }, h("div", { class: "row" }, box, h("label", { for: "notify" }, "Notify when a task ends")), h("p", { class: "soft" }, "Only while this page is in the background, and only in this browser."), told));
}

function files(found) {
  return section("Files", fact("Your settings", found.config_file, found.config_exists ? "Change them there; oxide config check reads them over." : "There is none yet: everything is as shipped. Create it to change something."), fact("Everything else", found.home, "The history, rules, keys and the log."));
}

function group(item) {
  return section(item.title, item.settings.map((one) => fact(one.key, one.value, one.help, one.changed)));
}

function fact(name, value, help, changed = false) {
  return h("div", { class: "setting" }, h("div", { class: "row between wrap" }, h("span", { class: "name" }, name, changed && h("span", { class: "chip" }, "changed")), h("code", {}, value)), help && h("p", { class: "soft" }, help));
}

function claude() {
  const command = "oxide mcp install";
  const copy = async () => {
    await navigator.clipboard.writeText(command);
    say("The command is copied.");
  };
  return section("Claude Code", h("div", { class: "setting" }, h("div", { class: "row between wrap" }, h("code", {}, command), button("Copy", copy, { icon: "copy", label: `Copy ${command}` })), h("p", { class: "soft" }, "Connects Claude Code to Oxide, shows the change first, and can be undone with oxide mcp uninstall.")));
}

function programs() {
  return section("For programs", h("div", { class: "setting" }, h("p", {}, h("a", { href: "/docs" }, "What the HTTP API offers")), h("p", { class: "soft" }, "oxide status --token prints the token that programs send.")));
}

function section(heading, ...children) {
  return h("section", { class: "group" }, h("h2", {}, heading), children);
}

function filter(place, text) {
  const wanted = text.trim().toLowerCase();
  for (const group of place.children) {
    let any = false;
    for (const item of group.querySelectorAll(".setting")) {
      item.hidden = Boolean(wanted) && !`${group.firstElementChild.textContent} ${item.textContent}`.toLowerCase().includes(wanted);
      any ||= !item.hidden;
    }
    group.hidden = Boolean(wanted) && !any;
  }
}
