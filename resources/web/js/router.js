/** Which page an address of ours means: `#/history/ID` is the history with one task open. */

export const go = (path) => {
  location.hash = `#/${path}`;
};

/** @returns {{name: string, id: string | null}} */
export function where(hash = location.hash) {
  const [name, id] = hash.replace(/^#\/?/, "").split("?")[0].split("/");
  return { name: name || "ask", id: id ? decodeURIComponent(id) : null };
}
