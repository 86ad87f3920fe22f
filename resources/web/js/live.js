/** What is known now, kept up to date from the WebSocket, for whichever page looks. */

import { api } from "./api.js";
import { LiveSocket } from "./socket.js";

const METRICS_KEPT = 60; // two minutes at one every two seconds
const listeners = new Map();

export const live = {
  /** @type {"connecting" | "connected" | "reconnecting"} */
  connection: "connecting",
  /** @type {Record<string, any>} services by their names */
  services: {},
  /** Tasks that work now: what was heard of them. @type {Map<string, Heard>} */
  running: new Map(),
  /** @type {object[]} the newest metrics, oldest first */
  metrics: [],
};

/**
 * @typedef {{service: string, attempt: number, taskType: string, text: string, since: number, whole: boolean}} Heard
 * `whole` tells whether the text was heard from the attempt's first chunk on.
 */

/**
 * Hear of `connection`, `services`, `metrics`, `rules`, `tasks` (some task began or ended), `note`, `chunk`,
 * `progress` (of an analysis), `ended`, `missed`. Answers what ends that.
 */
export function on(kind, listener) {
  const set = listeners.get(kind) ?? new Set();
  listeners.set(kind, set.add(listener));
  return () => set.delete(listener);
}

function tell(kind, detail) {
  for (const listener of [...(listeners.get(kind) ?? [])]) listener(detail);
}

const handlers = {
  task_start(message) {
    live.running.set(message.task_id, begun(message, true));
    tell("tasks", message);
  },
  task_progress(message) {
    let heard = live.running.get(message.task_id);
    if (!heard || heard.attempt !== message.attempt) {
      heard = { ...begun(message, false), taskType: heard?.taskType ?? "", since: heard?.since ?? Date.now() / 1000 };
      live.running.set(message.task_id, heard);
    }
    heard.text += message.chunk;
    tell("chunk", message);
  },
  task_complete(message) {
    live.running.delete(message.task_id);
    tell("ended", message);
    tell("tasks", message);
  },
  analysis_progress: (message) => tell("progress", message),
  service_status({ type: _, service, ...health }) {
    if (!live.services[service]) return;
    live.services = { ...live.services, [service]: { ...live.services[service], ...health } };
    tell("services", live.services);
  },
  metrics({ type: _, ...metrics }) {
    live.metrics = [...live.metrics.slice(1 - METRICS_KEPT), metrics];
    tell("metrics", metrics);
  },
  rules_changed: () => tell("rules"),
  history_changed: () => tell("tasks", {}),
  missed() {
    for (const heard of live.running.values()) heard.whole = false;
    catchUp();
    tell("missed");
  },
};

function begun(message, whole) {
  return {
    service: message.service,
    attempt: message.attempt,
    taskType: message.task_type ?? "",
    text: "",
    since: Date.now() / 1000,
    whole,
  };
}

/** Read anew what may have changed while nothing was heard. */
async function catchUp() {
  await Promise.all([findRunning(), refreshServices()]);
  tell("tasks", {});
}

/** Tasks that began before this page listened. */
async function findRunning() {
  const meanwhile = new Set(); // began or ended while the answer was under way: what was heard of these is newer
  const ends = [on("tasks", ({ task_id: id }) => meanwhile.add(id))];
  const looking = ["running", "queued"].map((status) => api.history({ status, limit: 100 }));
  const found = await Promise.all(looking).catch(() => null); // the connection's state says it
  for (const end of ends) end();
  if (!found) return;
  const tasks = found.flatMap((page) => page.tasks).filter((task) => !meanwhile.has(task.id));
  const ids = new Set(tasks.map((task) => task.id));
  for (const id of [...live.running.keys()]) if (!ids.has(id) && !meanwhile.has(id)) live.running.delete(id);
  for (const task of tasks) {
    if (live.running.has(task.id)) continue;
    const started = { service: task.service ?? "", attempt: 0, task_type: task.task_type };
    live.running.set(task.id, { ...begun(started, false), since: task.created_at });
  }
}

let refreshing = null;

/** Ask for the services again; several wishes at once are one request. */
export function refreshServices() {
  refreshing ??= api
    .services()
    .then((found) => {
      live.services = found.services;
      tell("services", found.services);
    })
    .catch(() => {}) // the connection's state says it already
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

let socket = null;

export function connect() {
  socket = new LiveSocket(
    (message) => handlers[message.type]?.(message),
    (state, waitMs) => {
      const back = state === "connected" && live.connection === "reconnecting";
      live.connection = state;
      if (back) handlers.missed();
      else if (state === "connected") catchUp();
      if (state === "reconnecting") api.metrics().catch(() => {}); // a 401 says that this browser is not known any more
      tell("connection", { state, waitMs });
    },
  );
  socket.now();
}

export const reconnect = () => socket?.now();
/** Nothing is known any more. */
export function disconnect() {
  socket?.end();
  live.running.clear();
}
