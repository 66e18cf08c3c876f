// What reviewers have said about passages: marked in the text, listed at its side.

import { Extension } from "@tiptap/core";
import { Plugin, PluginKey, TextSelection } from "@tiptap/pm/state";
import { Decoration, DecorationSet } from "@tiptap/pm/view";
import { element, given } from "./dom.js";
import { even, word } from "./words.js";

const known = given("editor-comments").map((one) => ({ ...one.dataset, text: even(one.textContent) }));
const PASSAGES = new PluginKey("comments");

/** The extension that marks the passages of a surface, for makeSurface. */
export function comments(surface) {
  const here = known.filter((one) => one.part === surface.part && even(one.passage ?? ""));
  if (!here.length) return [];
  const marks = (doc) => {
    const found = here.flatMap((one) => {
      const place = find(doc, one);
      return place ? [Decoration.inline(place.from, place.to, { class: "commented", "data-comment": one.id })] : [];
    });
    return DecorationSet.create(doc, found);
  };
  return [
    Extension.create({
      name: "comments",
      addProseMirrorPlugins: () => [
        new Plugin({
          key: PASSAGES,
          state: {
            init: (_config, { doc }) => marks(doc),
            apply: (change, old) => (change.docChanged ? marks(change.doc) : old),
          },
          props: { decorations: (state) => PASSAGES.getState(state) },
        }),
      ],
    }),
  ];
}

/** The list at the side; a press goes to the passage. */
export function showComments(surfaces) {
  const side = document.getElementById("editor-side");
  if (!known.length || !side) return;
  const items = known.map((one) => {
    const surface = surfaces.find(({ part }) => part === one.part);
    const go = element(
      "button",
      { type: "button", class: "comment", onClick: () => goTo(surface, one, go) },
      element("span", { class: "comment__who" }, one.author ?? ""),
      one.passage ? element("span", { class: "comment__passage" }, `“${one.passage}”`) : null,
      element("span", { class: "comment__text" }, one.text),
    );
    return element("li", {}, go);
  });
  const title = element("h2", { class: "editor-side__title", id: "editor-comments-title" }, word("editor.comments"));
  side.append(element("section", { class: "comments", "aria-labelledby": title.id }, title, element("ul", { class: "comments__list" }, ...items)));
  side.hidden = false;
}

function goTo(surface, comment, button) {
  const place = surface && find(surface.editor.state.doc, comment);
  if (!place) {
    if (!button.querySelector(".comment__gone")) button.append(element("span", { class: "comment__gone" }, word("editor.comment_gone")));
    surface?.editor.view.focus();
    return;
  }
  const { state, view } = surface.editor;
  view.dispatch(state.tr.setSelection(TextSelection.create(state.doc, place.from, place.to)));
  surface.editor.view.focus();
  view.domAtPos(place.from).node.parentElement?.closest("p, li, td, th, h2, h3, footer, [contenteditable]")?.scrollIntoView({ block: "center" });
}

// Where a passage stands now: the place whose neighbourhood fits best, when it stands in several.
function find(doc, { passage, before = "", after = "" }) {
  const { text, places } = flat(doc);
  const wanted = even(passage);
  let best = null;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const fits =
      shared([...text.slice(0, at).trimEnd()].reverse(), [...even(before)].reverse()) +
      shared([...text.slice(at + wanted.length).trimStart()], [...even(after)]);
    if (!best || fits > best.fits) best = { at, fits };
  }
  return best && { from: places[best.at].from, to: places[best.at + wanted.length - 1].to };
}

function shared(one, other) {
  let n = 0;
  while (n < one.length && n < other.length && one[n] === other[n]) n += 1;
  return n;
}

// The words with single spaces, and for each sign where in the document it stands.
function flat(doc) {
  const signs = [];
  const places = [];
  const add = (sign, from, to) => {
    const one = /\s/.test(sign) ? " " : sign;
    if (one === " " && (signs.length === 0 || signs.at(-1) === " ")) return;
    signs.push(one);
    places.push({ from, to });
  };
  doc.descendants((node, at) => {
    if (node.isText) [...node.text].reduce((here, sign) => (add(sign, here, here + sign.length), here + sign.length), at);
    else if (node.isLeaf) for (const sign of node.attrs.words || node.attrs.note || " ") add(sign, at, at + node.nodeSize);
    else if (node.isBlock) add(" ", at, at + 1);
  });
  // A sign may be two units long: places are counted in the units that indexOf counts in.
  return { text: signs.join(""), places: signs.flatMap((sign, index) => Array(sign.length).fill(places[index])) };
}
