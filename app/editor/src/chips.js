// Figures and gaps: words that move and vanish as one piece.

import { mergeAttributes, Node } from "@tiptap/core";
import { given } from "./dom.js";
import { word } from "./words.js";

const figures = given("editor-figures");
const byName = new Map(figures.map((figure) => [figure.dataset.figure, figure]));

/** The figures of the round, as they are offered: {name, value, html, words}. */
export const offered = figures.map(read);

/** A figure of the round as it is now; undefined when the round has none of that name. */
export function figureNow(name) {
  const found = byName.get(name);
  return found && read(found);
}

/** Whether the round says something else now than when the figure was put into the text. */
export function isStale({ name, value }) {
  return figures.length > 0 && byName.get(name)?.getAttribute("value") !== value;
}

function read(data) {
  return {
    value: data.getAttribute("value") ?? "",
    name: data.dataset.figure,
    html: insideOf(data),
    words: data.textContent,
  };
}

// Words of a figure may be marked as another language's, and hold nothing else.
function insideOf(data) {
  const holder = document.createElement("div");
  copyWords(data, holder);
  return holder.innerHTML;
}

function copyWords(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === globalThis.Node.TEXT_NODE) {
      to.append(node.data.replace(/[ \t\r\n]+/g, " "));
    } else if (node.nodeName === "I" && node.hasAttribute("lang")) {
      const foreign = document.createElement("i");
      foreign.lang = node.getAttribute("lang");
      foreign.append(node.textContent);
      to.append(foreign);
    } else if (node.nodeType === globalThis.Node.ELEMENT_NODE) copyWords(node, to);
  }
}

function drawn({ value, name, html }) {
  const chip = document.createElement("data");
  chip.setAttribute("value", value);
  chip.setAttribute("data-figure", name);
  chip.innerHTML = html; // made by insideOf alone
  return chip;
}

export const Figure = Node.create({
  name: "figure",
  group: "inline",
  inline: true,
  atom: true,
  selectable: true,
  draggable: true,
  addAttributes() {
    const none = { default: "", rendered: false, parseHTML: () => null }; // parseHTML below reads them
    return { value: none, name: none, html: none, words: none };
  },
  parseHTML() {
    return [{ tag: "data[data-figure]", getAttrs: read }];
  },
  renderHTML({ node }) {
    return drawn(node.attrs);
  },
  renderText({ node }) {
    return node.attrs.words;
  },
  addNodeView() {
    return ({ node }) => {
      const dom = drawn(node.attrs);
      const stale = isStale(node.attrs);
      const now = figureNow(node.attrs.name);
      const name = `${node.attrs.name} = ${node.attrs.value}`;
      dom.classList.toggle("is-stale", stale);
      if (!stale) dom.title = name;
      else dom.title = `${name}: ${now ? word("editor.stale", { words: now.words }) : word("editor.gone")}`;
      return { dom };
    };
  },
});

export const Gap = Node.create({
  name: "gap",
  group: "inline",
  inline: true,
  atom: true,
  selectable: true,
  addAttributes() {
    const none = { default: "", rendered: false, parseHTML: () => null }; // parseHTML below reads them
    return { name: none, note: none };
  },
  parseHTML() {
    return [
      {
        tag: "mark[data-gap]",
        // A gap is a whole bracketed note. What somebody has written in is their text.
        getAttrs: (mark) => {
          const note = mark.textContent.trim();
          return /^\[[^]*\]$/.test(note) && { name: mark.dataset.gap, note };
        },
      },
    ];
  },
  renderHTML({ node, HTMLAttributes }) {
    return ["mark", mergeAttributes(HTMLAttributes, { "data-gap": node.attrs.name }), node.attrs.note];
  },
  renderText({ node }) {
    return node.attrs.note;
  },
});

/** Put a figure where the caret is, in the clothes of the words around it. */
export function insertFigure(editor, { value, name, html, words }) {
  const { state } = editor;
  const marks = state.storedMarks ?? state.selection.$from.marks();
  const chip = state.schema.nodes.figure.create({ value, name, html, words }, null, marks);
  const change = state.tr.replaceSelectionWith(chip, false).setStoredMarks(marks);
  editor.view.dispatch(change.scrollIntoView());
}

/** Every figure of a text that the round says otherwise now: [{at, node}]. */
export function staleIn(doc) {
  const found = [];
  doc.descendants((node, at) => {
    if (node.type.name === "figure" && isStale(node.attrs)) found.push({ at, node });
  });
  return found;
}

/** Let the figures of a text say what the round says now; how many did. Gone ones stay as they are. */
export function updateFigures(editor) {
  const change = editor.state.tr;
  let updated = 0;
  for (const { at, node } of staleIn(editor.state.doc)) {
    const now = figureNow(node.attrs.name);
    if (!now) continue;
    change.setNodeMarkup(at, null, now, node.marks);
    updated += 1;
  }
  if (updated) editor.view.dispatch(change);
  return updated;
}
