/**
 * This page's key. It comes with the link that lets a browser in, behind the `#`, which no request carries, and stays
 * with this address and port: the cookie is shown to every server on this computer, and is therefore not enough.
 */

const NAME = "oxide-key";
const GIVEN = /^#key=([\w-]+)$/;

const given = GIVEN.exec(location.hash);
if (given) {
  history.replaceState(null, "", location.pathname); // out of the address bar, and of the browser's history
  localStorage.setItem(NAME, given[1]);
}

/** What a request to the API has to show. */
export const shown = () => {
  const key = localStorage.getItem(NAME);
  return key ? { "Oxide-Key": key } : {};
};

/** The same for a WebSocket, which cannot have headers of its own. */
export const protocols = () => ["oxide", `oxide.${localStorage.getItem(NAME) ?? "none"}`];
