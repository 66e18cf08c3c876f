// Making elements without HTML strings: the page's policy allows no styles or scripts in them.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (`onClick` listens, false and null are left out) and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2).toLowerCase(), value);
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(key, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** A drawing of lines, 24 by 24, that says nothing to a screen reader. */
export function icon(path) {
  const drawing = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" })) {
    drawing.setAttribute(key, value);
  }
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

/** The children of a <template> by its id; none when the page has no such template. */
export function given(id) {
  return [...(document.getElementById(id)?.content.children ?? [])];
}

let line = null;

/** Say something to a screen reader when it has nothing more urgent to say. */
export function announce(text) {
  if (!line) {
    line = element("p", { class: "visually-hidden", role: "status" });
    document.body.append(line);
  }
  line.textContent = line.textContent === text ? `${text}\u00a0` : text;
}

let made = 0;

/** An id that nothing else on the page has. */
export function freshId(name) {
  made += 1;
  return `editor-${name}-${made}`;
}
