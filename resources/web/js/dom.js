/** Building the page: elements from values. Text is always text; nothing here reads HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Properties: `class`, `on` (listeners by event), `data`, everything else an attribute; `false`, `null` and
 * `undefined` leave an attribute out. Children: nodes, texts, arrays of both; empty ones are left out.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...unknown} children
 */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same in SVG. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value" && "value" in element) element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(3).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/** Put other children into an element. */
export function replace(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Put the drawings of all icons into the page, so that each one is there at once when it is needed. */
export async function loadIcons() {
  const answer = await fetch("/web/icons.svg");
  if (!answer.ok) return; // every icon stands beside words
  const sprite = document.importNode(new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement, true);
  sprite.setAttribute("class", "sprite");
  sprite.setAttribute("aria-hidden", "true");
  document.body.append(sprite);
}

/** One of our icons, as decoration: what it means must stand beside it in words. */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#${name}-icon` }));
}

/**
 * A button that does something. What takes time keeps it disabled meanwhile.
 * @param {string} label
 * @param {(event: Event) => unknown} act
 * @param {{kind?: string, icon?: string, title?: string, label?: string, data?: object}} [options]
 */
export function button(label, act, options = {}) {
  const made = h(
    "button",
    { type: "button", class: options.kind ?? "", title: options.title, "aria-label": options.label, data: options.data },
    options.icon && icon(options.icon),
    label,
  );
  made.addEventListener("click", async (event) => {
    if (made.getAttribute("aria-disabled") === "true") return;
    made.setAttribute("aria-disabled", "true"); // and not `disabled`, which would take the focus away
    try {
      await act(event);
    } finally {
      made.removeAttribute("aria-disabled");
    }
  });
  return made;
}

/** A select with its label for those who cannot see what it stands beside. */
export function select(label, options, value, change) {
  const made = h(
    "select",
    { "aria-label": label, on: { change: () => change(made.value) } },
    options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
  );
  return made;
}

let lastId = 0;

/** An id that no other element has. */
export function newId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}
