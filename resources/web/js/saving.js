/** Files that the browser saves where it saves everything. */

const SAVING_LIMIT_MS = 30_000;

/** @param {Blob} content @param {string} name */
export function saveFile(content, name) {
  const url = URL.createObjectURL(content);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), SAVING_LIMIT_MS);
}
