/** The types of tasks, asked for once. */

import { api } from "./api.js";

let asking = null;

/** @returns {Promise<{name: string, label: string, description: string}[]>} */
export function taskTypes() {
  asking ??= api.taskTypes().then(
    (found) => found.task_types,
    (failure) => {
      asking = null; // the next one may have more luck
      throw failure;
    },
  );
  return asking;
}
