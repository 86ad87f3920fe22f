/** The HTTP API. Every failure is an `ApiError`: what failed, why, and the one thing to do. */

import { shown } from "./pagekey.js";

export class ApiError extends Error {
  constructor(status, title, message, hint) {
    super(title);
    this.status = status;
    this.title = title;
    this.detail = message;
    this.hint = hint;
  }
}

/** Called when the server does not know this browser any more. */
export const session = { ended: () => {} };

/**
 * @param {string} method
 * @param {string} path
 * @param {{query?: Record<string, unknown>, body?: unknown, signal?: AbortSignal}} [options]
 */
export async function request(method, path, { query, body, signal } = {}) {
  const answer = await ask(method, address(path, query), body, signal);
  if (!answer.ok) throw await failureOf(answer);
  return parse(await answer.text());
}

/** A file that the API gives. */
async function file(path) {
  const answer = await ask("GET", path);
  if (!answer.ok) throw await failureOf(answer);
  return answer.blob();
}

async function failureOf(answer) {
  const error = parse(await answer.text())?.error ?? {};
  const failure = new ApiError(
    answer.status,
    error.title ?? "Oxide did not understand",
    error.message ?? `It answered ${answer.status}.`,
    error.hint ?? "",
  );
  if (answer.status === 401) session.ended();
  return failure;
}

async function ask(method, url, body, signal) {
  const options = { method, signal, credentials: "same-origin", headers: shown() };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    return await fetch(url, options);
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new ApiError(0, "Oxide cannot be reached", "It was closed, or is just starting.", "Start Oxide again.");
  }
}

function address(path, query) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const id = encodeURIComponent;

export const api = {
  ask: (body) => request("POST", "/api/tasks/execute", { body }),
  analyze: (body) => request("POST", "/api/analyze", { body }),
  explain: (body, signal) => request("POST", "/api/explain", { body, signal }),
  history: (query, signal) => request("GET", "/api/view/history", { query, signal }),
  task: (taskId) => request("GET", `/api/tasks/${id(taskId)}`),
  cancel: (taskId) => request("POST", `/api/tasks/${id(taskId)}/cancel`),
  retry: (taskId, service) => request("POST", `/api/tasks/${id(taskId)}/retry`, { body: service ? { service } : {} }),
  deleteTask: (taskId) => request("DELETE", `/api/tasks/${id(taskId)}`),
  exported: () => file("/api/tasks/export"),
  clearTasks: (status) => request("POST", "/api/tasks/clear", { query: { status } }),
  services: () => request("GET", "/api/services"),
  service: (name) => request("GET", `/api/services/${id(name)}`),
  checkService: (name) => request("POST", `/api/services/${id(name)}/health`),
  testService: (name) => request("POST", `/api/services/${id(name)}/test`),
  startService: (name) => request("POST", `/api/services/${id(name)}/start`),
  models: (name) => request("GET", `/api/services/${id(name)}/models`),
  use: (name) => request("GET", `/api/services/${id(name)}/use`),
  rules: () => request("GET", "/api/routing/rules"),
  setRule: (taskType, service) => request("POST", "/api/routing/rules", { body: { task_type: taskType, service } }),
  removeRule: (taskType) => request("DELETE", `/api/routing/rules/${id(taskType)}`),
  clearRules: () => request("POST", "/api/routing/rules/clear"),
  tryRule: (taskType, service, signal) =>
    request("POST", "/api/routing/try", { body: { task_type: taskType, service }, signal }),
  correct: (taskId, taskType) => request("POST", `/api/tasks/${id(taskId)}/correct`, { body: { task_type: taskType } }),
  corrections: () => request("GET", "/api/corrections"),
  forgetCorrection: (taskId) => request("DELETE", `/api/corrections/${id(taskId)}`),
  clearCorrections: () => request("POST", "/api/corrections/clear"),
  keys: () => request("GET", "/api/keys"),
  setKey: (name, key) => request("PUT", `/api/keys/${id(name)}`, { body: { key } }),
  removeKey: (name) => request("DELETE", `/api/keys/${id(name)}`),
  taskTypes: () => request("GET", "/api/routing/task-types"),
  metrics: () => request("GET", "/api/monitoring/metrics"),
  stats: () => request("GET", "/api/monitoring/stats"),
  speed: (name) => request("GET", `/api/view/speed/${id(name)}`),
  children: () => request("GET", "/api/view/children"),
  settings: () => request("GET", "/api/view/settings"),
};
