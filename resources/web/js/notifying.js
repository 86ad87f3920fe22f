/** Notifications of the browser: that a task has ended while nobody looked. */

import { api } from "./api.js";
import { firstLine, seconds } from "./format.js";
import { on } from "./live.js";

const KEY = "oxide-notify";
const SHORTEST_S = 10; // who waited less is still looking

/** Whether the person has switched them on here. */
export function isOn() {
  return "Notification" in window && localStorage.getItem(KEY) === "yes" && Notification.permission === "granted";
}

/** Ask the browser, which may ask the person. */
export async function mayNotify() {
  return "Notification" in window && (await Notification.requestPermission()) === "granted";
}

export function setNotifying(wanted) {
  localStorage.setItem(KEY, wanted ? "yes" : "no");
}

/** From now on, tell of tasks that end. */
export function startNotifying() {
  on("ended", async (message) => {
    if (!isOn() || !document.hidden || !(message.duration >= SHORTEST_S)) return;
    const record = await api.task(message.task_id).catch(() => null); // gone again: nothing to tell
    if (!record) return;
    const shown = new Notification(`${firstLine(record.prompt, 60)} ${message.success ? "is done" : "has failed"}`, {
      body: `${record.service ?? "no service"}, ${seconds(message.duration)}`,
      tag: "oxide",
    });
    shown.addEventListener("click", () => {
      window.focus();
      location.hash = `#/history/${message.task_id}`;
    });
  });
}
