// Pictures, documents and contacts in the text: cards that are chosen, moved and taken out whole.

import { Node } from "@tiptap/core";
import { NodeSelection, TextSelection } from "@tiptap/pm/state";
import { announce, element, given, icon } from "./dom.js";
import { ICONS } from "./icons.js";
import { word } from "./words.js";

export const KINDS = ["image", "document", "contact"];
const NAMES = {
  image: () => word("editor.embed_image"),
  document: () => word("editor.embed_document"),
  contact: () => word("editor.embed_contact"),
};

/** What may be embedded: {kind, id, label, src, alt}. */
export const embeddable = given("editor-embeds").map(({ dataset }) => ({
  kind: dataset.kind,
  id: dataset.id,
  label: dataset.label ?? "",
  src: dataset.src ?? "",
  alt: dataset.alt ?? "",
}));

export function kindName(kind) {
  return NAMES[kind]();
}

function shownAs({ kind, id }) {
  return embeddable.find((one) => one.kind === kind && one.id === id);
}

export const Embed = Node.create({
  name: "embed",
  group: "block",
  atom: true,
  selectable: true,
  draggable: true,
  addAttributes() {
    const own = { rendered: false, parseHTML: () => null };
    return { kind: { ...own, default: "image" }, id: { ...own, default: "" } };
  },
  parseHTML() {
    return KINDS.map((kind) => ({
      tag: `figure[data-${kind}]`,
      getAttrs: (figure) => {
        const id = figure.getAttribute(`data-${kind}`);
        return /^[0-9]+$/.test(id) && { kind, id };
      },
    }));
  },
  renderHTML({ node }) {
    return ["figure", { [`data-${node.attrs.kind}`]: node.attrs.id }];
  },
  renderText: () => "",

  addNodeView() {
    return ({ node, editor, getPos }) => {
      const known = shownAs(node.attrs);
      const name = kindName(node.attrs.kind);
      const label = known?.label || `${name} ${node.attrs.id}`;
      const act = (run) => (event) => {
        event.preventDefault();
        editor.commands.setNodeSelection(getPos());
        editor.view.focus();
        run();
      };
      const button = (key, path, run) =>
        element("button", { type: "button", class: "card-tool", "aria-label": `${word(key)}: ${label}`, title: word(key), onClick: act(run) }, icon(path));
      const dom = element(
        "figure",
        { class: `embed embed--${node.attrs.kind}`, [`data-${node.attrs.kind}`]: node.attrs.id },
        known?.src ? element("img", { class: "embed__picture", src: known.src, alt: known.alt, draggable: "false" }) : null,
        element(
          "figcaption",
          { class: "embed__words" },
          element("span", { class: "embed__kind" }, name),
          element("span", { class: "embed__label" }, label),
          known ? null : element("span", { class: "embed__gone" }, word("editor.embed_gone")),
        ),
        element(
          "div",
          { class: "embed__tools" },
          button("editor.move_up", ICONS.up, () => move(editor, -1)),
          button("editor.move_down", ICONS.down, () => move(editor, 1)),
          button("editor.remove", ICONS.remove, () => editor.commands.deleteSelection()),
        ),
      );
      return {
        dom,
        selectNode: () => {
          dom.classList.add("is-chosen");
          announce(word("editor.embed_chosen", { name: `${name}: ${label}` }));
        },
        deselectNode: () => dom.classList.remove("is-chosen"),
        stopEvent: (event) => event.type !== "dragstart" && event.target.closest?.("button") !== null,
        ignoreMutation: () => true,
      };
    };
  },

  addKeyboardShortcuts() {
    return {
      "Alt-Shift-ArrowUp": () => move(this.editor, -1),
      "Alt-Shift-ArrowDown": () => move(this.editor, 1),
    };
  },
});

/** Put a card after the block the caret is in, or in the place of an empty paragraph. */
export function insertEmbed(editor, { kind, id }) {
  const { state } = editor;
  const { $from } = state.selection;
  const card = state.schema.nodes.embed.create({ kind, id });
  const change = state.tr;
  if ($from.depth === 0) change.insert(state.selection.to, card);
  else if ($from.depth === 1 && !$from.parent.content.size) change.replaceWith($from.before(1), $from.after(1), card);
  else change.insert($from.after(1), card);
  let at = null;
  change.doc.descendants((node, place) => {
    if (node === card) at = place;
    return at === null;
  });
  if (at !== null) change.setSelection(NodeSelection.create(change.doc, at));
  editor.view.dispatch(change.scrollIntoView());
}

/** Move the block with the caret, or the chosen card, past its neighbour. */
export function move(editor, step) {
  const { state } = editor;
  const { selection, doc } = state;
  const index = selection.$from.index(0);
  const other = index + step;
  if (other < 0 || other >= doc.childCount || selection.$to.index(0) - (selection.$from.depth ? 0 : 1) > index) return true;
  const block = doc.child(index);
  const at = selection.$from.depth ? selection.$from.before(1) : selection.from;
  const neighbour = doc.child(other);
  const place = step < 0 ? at - neighbour.nodeSize : at + neighbour.nodeSize;
  const change = state.tr.delete(at, at + block.nodeSize).insert(place, block);
  const isCard = selection instanceof NodeSelection && selection.node === block;
  change.setSelection(
    isCard
      ? NodeSelection.create(change.doc, place)
      : TextSelection.create(change.doc, place + selection.anchor - at, place + selection.head - at),
  );
  editor.view.dispatch(change.scrollIntoView());
  announce(word("editor.moved", { n: other + 1, all: doc.childCount }));
  return true;
}
