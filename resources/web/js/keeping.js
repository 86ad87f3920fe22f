/** What a tab remembers of a page when it is loaded again. It ends with the tab, and is this server's alone. */

/** @param {string} name @returns {object} what was kept, or nothing */
export function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "{}");
  } catch {
    return {}; // this browser keeps nothing
  }
}

/** @param {string} name @param {object} value */
export function keep(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // It is full, or switched off: then nothing is remembered.
  }
}
