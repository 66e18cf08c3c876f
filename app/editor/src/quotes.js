// Quotes: words, and a line for who says them. Each shows whether that person has signed them off.

import { Node } from "@tiptap/core";
import { TextSelection } from "@tiptap/pm/state";
import { element, given } from "./dom.js";
import { even, word } from "./words.js";

const DASHES = /[\u2010-\u2015-]/g;
const MARKS = /[\u201c-\u201f"\u00ab\u00bb]/g;
const signed = given("editor-quotes").map(({ dataset }) => ({
  ...dataset,
  words: alike(dataset.words ?? ""),
  by: alike(dataset.by ?? ""),
}));
const SHOWN = {
  approved: () => word("editor.quote_approved"),
  pending: () => word("editor.quote_pending"),
  declined: () => word("editor.quote_declined"),
  edited: () => word("editor.quote_edited"),
  none: () => word("editor.quote_none"),
};

// Spaces, dashes, quotation marks and the last full stop are the house's, not the speaker's.
function alike(text) {
  const plain = even(text.normalize("NFC").replace(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, ""));
  const same = plain.replace(DASHES, "-").replace(MARKS, '"').replace(/[\u2018-\u201b]/g, "'");
  return same.replace(/[ .,]+$/, "");
}

function bare(paragraph) {
  const said = paragraph.trim().replace(/^[\u2010-\u2015-]\s+/, "");
  return said.replace(/^[\u201c-\u201f"\u00ab\u00bb]([^\u201c-\u201f"\u00ab\u00bb]*)[\u201c-\u201f"\u00ab\u00bb]?,?$/, "$1");
}

// What is known of a quote. One from before there were speakers' lines says its speaker in its words.
function knownOf({ words, by }) {
  const said = alike(words);
  const speaker = alike(by);
  if (speaker) return signed.find((one) => one.words === said && one.by === speaker);
  return signed.find((one) => one.words && one.by && said.startsWith(one.words) && said.endsWith(one.by));
}

function spoken(node) {
  const said = (part) => part.textBetween(0, part.content.size, " ", (leaf) => leaf.attrs.words ?? leaf.attrs.note ?? " ");
  const paragraphs = [];
  node.forEach((part) => {
    if (part.type.name !== "quoteBy") paragraphs.push(bare(said(part)));
  });
  return { words: paragraphs.join(" "), by: said(node.lastChild) };
}

export const QuoteBy = Node.create({
  name: "quoteBy",
  content: "inline*",
  defining: true,
  selectable: false,
  parseHTML() {
    return [{ tag: "footer" }];
  },
  renderHTML() {
    return ["footer", 0];
  },
});

export const Quote = Node.create({
  name: "quote",
  group: "block",
  content: "paragraph+ quoteBy",
  defining: true,
  parseHTML() {
    return [{ tag: "blockquote" }];
  },
  renderHTML() {
    return ["blockquote", 0];
  },

  addNodeView() {
    return ({ node }) => {
      const contentDOM = element("div", { class: "quote__text" });
      const badge = element("p", { class: "quote__state", contenteditable: "false" });
      const dom = element("blockquote", { class: "quote" }, contentDOM, badge);
      const show = (quote) => {
        const { words, by } = spoken(quote);
        const known = knownOf({ words, by });
        const state = known && known.state in SHOWN ? known.state : "none";
        badge.hidden = !even(words);
        badge.dataset.state = state;
        const said = known?.text ? `${SHOWN[state]()}: ${known.text}` : SHOWN[state]();
        if (badge.textContent !== said) badge.textContent = said;
      };
      show(node);
      return {
        dom,
        contentDOM,
        ignoreMutation: (mutation) => mutation.type !== "selection" && !contentDOM.contains(mutation.target),
        update(next) {
          if (next.type !== node.type) return false;
          show(next);
          return true;
        },
      };
    };
  },

  addCommands() {
    return {
      // The chosen paragraphs become a quote; inside a quote, its parts become paragraphs again.
      toggleQuote: () => ({ state, dispatch, tr }) => {
        const inside = around(state, "quote");
        if (inside) return unwrap(tr, dispatch, inside);
        return wrap(state, dispatch, tr, "quote");
      },
      togglePull: () => ({ state, dispatch, tr }) => {
        const inside = around(state, "pull");
        if (inside) return unwrap(tr, dispatch, inside);
        return wrap(state, dispatch, tr, "pull");
      },
    };
  },

  addKeyboardShortcuts() {
    return {
      "Mod-Shift-b": () => this.editor.commands.toggleQuote(),
      Enter: () => leaveByEnter(this.editor),
      Tab: () => toSpeaker(this.editor),
      Backspace: () => stayInWords(this.editor) || breakUp(this.editor),
    };
  },
});

export const Pull = Node.create({
  name: "pull",
  group: "block",
  content: "paragraph+",
  defining: true,
  parseHTML() {
    return [{ tag: "aside" }];
  },
  renderHTML() {
    return ["aside", 0];
  },
  addKeyboardShortcuts() {
    return { Enter: () => leavePull(this.editor), Backspace: () => breakUp(this.editor) };
  },
});

/** The block of that name that the selection starts in: {node, at, depth}, or null. */
export function around(state, name) {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth -= 1) {
    if ($from.node(depth).type.name === name) return { node: $from.node(depth), at: $from.before(depth), depth };
  }
  return null;
}

function wrap(state, dispatch, tr, name) {
  const { $from, $to } = state.selection;
  const { paragraph, quoteBy } = state.schema.nodes;
  const range = $from.blockRange($to);
  if (!range || range.depth !== 0) return false;
  const words = [];
  for (let index = range.startIndex; index < range.endIndex; index += 1) {
    const block = state.doc.child(index);
    if (!block.isTextblock) return false;
    words.push(paragraph.create(null, block.content));
  }
  if (!dispatch) return true;
  const parts = name === "quote" ? [...words, quoteBy.create()] : words;
  tr.replaceWith(range.start, range.end, state.schema.nodes[name].create(null, parts));
  tr.setSelection(TextSelection.create(tr.doc, $from.pos + 1));
  return true;
}

function unwrap(tr, dispatch, { node, at }) {
  if (!dispatch) return true;
  const { paragraph } = node.type.schema.nodes;
  const parts = [];
  node.forEach((part) => {
    if (part.type.name !== "quoteBy" || part.content.size) parts.push(paragraph.create(null, part.content));
  });
  const here = tr.selection.from;
  tr.replaceWith(at, at + node.nodeSize, parts);
  tr.setSelection(TextSelection.near(tr.doc.resolve(Math.min(here - 1, tr.doc.content.size))));
  return true;
}

function leaveByEnter({ state, view }) {
  const quote = around(state, "quote");
  const { $from, empty } = state.selection;
  if (!quote) return false;
  if (!empty) return $from.parent.type.name === "quoteBy" || parted(state, view);
  const end = quote.at + quote.node.nodeSize;
  if ($from.parent.type.name === "quoteBy") {
    const after = state.tr.insert(end, state.schema.nodes.paragraph.create());
    view.dispatch(after.setSelection(TextSelection.create(after.doc, end + 1)).scrollIntoView());
    return true;
  }
  // An empty line under the words is the way to the speaker.
  if ($from.parent.content.size || $from.index(quote.depth) !== quote.node.childCount - 2) return parted(state, view);
  const change = state.tr;
  if (quote.node.childCount > 2) change.delete($from.before(), $from.after());
  const speaker = change.mapping.map(end) - 1 - quote.node.lastChild.nodeSize + 1;
  view.dispatch(change.setSelection(TextSelection.create(change.doc, speaker)).scrollIntoView());
  return true;
}

// A paragraph of the words becomes two; the library would look for a second speaker.
function parted(state, view) {
  const { $from, $to } = state.selection;
  if (!$from.sameParent($to)) return false;
  view.dispatch(state.tr.delete($from.pos, $to.pos).split($from.pos).scrollIntoView());
  return true;
}

function toSpeaker({ state, view }) {
  const quote = around(state, "quote");
  if (!quote || state.selection.$from.parent.type.name === "quoteBy") return false;
  const speaker = quote.at + quote.node.nodeSize - 1 - quote.node.lastChild.nodeSize + 1;
  const end = speaker + quote.node.lastChild.content.size;
  view.dispatch(state.tr.setSelection(TextSelection.create(state.doc, end)).scrollIntoView());
  return true;
}

// Backspace at the beginning of the speaker goes back to the words: the two never run together.
function stayInWords({ state, view }) {
  const { $from, empty } = state.selection;
  if (!empty || $from.parent.type.name !== "quoteBy" || $from.parentOffset) return false;
  view.dispatch(state.tr.setSelection(TextSelection.near(state.doc.resolve($from.before()), -1)).scrollIntoView());
  return true;
}

// Backspace at the very beginning takes the quote apart, and no word with it.
function breakUp({ state, view, commands }) {
  const { $from, empty } = state.selection;
  if (!empty || $from.parentOffset || $from.depth !== 2 || $from.index(1) !== 0) return false;
  if ($from.node(1).type.name === "quote") return commands.toggleQuote();
  return $from.node(1).type.name === "pull" && commands.togglePull();
}

function leavePull({ state, view }) {
  const pull = around(state, "pull");
  const { $from, empty } = state.selection;
  if (!pull || !empty || $from.parent.content.size || $from.index(pull.depth) !== pull.node.childCount - 1) return false;
  const change = state.tr;
  if (pull.node.childCount > 1) change.delete($from.before(), $from.after());
  const end = change.mapping.map(pull.at + pull.node.nodeSize);
  change.insert(end, state.schema.nodes.paragraph.create());
  view.dispatch(change.setSelection(TextSelection.create(change.doc, end + 1)).scrollIntoView());
  return true;
}
