// A surface: one textarea of HTML becomes a place to write on. The textarea stays the form's field.

import { Editor, Extension, getSchema, InputRule, Node, wrappingInputRule } from "@tiptap/core";
import { Bold } from "@tiptap/extension-bold";
import { Document } from "@tiptap/extension-document";
import { HardBreak } from "@tiptap/extension-hard-break";
import { Heading } from "@tiptap/extension-heading";
import { Italic } from "@tiptap/extension-italic";
import { BulletList, ListItem, ListKeymap, OrderedList } from "@tiptap/extension-list";
import { Paragraph } from "@tiptap/extension-paragraph";
import { Text } from "@tiptap/extension-text";
import { Dropcursor, Gapcursor, TrailingNode, UndoRedo } from "@tiptap/extensions";
import { Fragment, Slice } from "@tiptap/pm/model";
import { Plugin, Selection } from "@tiptap/pm/state";
import { Decoration, DecorationSet } from "@tiptap/pm/view";
import { Figure, Gap } from "./chips.js";
import { element } from "./dom.js";
import { Embed } from "./embeds.js";
import { address, Foreign, Link } from "./marks.js";
import { isOurs, normalise, parsed } from "./normalise.js";
import { Pull, Quote, QuoteBy } from "./quotes.js";
import { Table, TableBlock, TableCaption, TableCell, TableHeader, TableRow } from "./tables.js";
import { word } from "./words.js";
import { read, wordsOf, written } from "./written.js";

// What lines that wait for words say.
const Invitations = Extension.create({
  name: "invitations",
  addProseMirrorPlugins: () => [
    new Plugin({
      props: {
        decorations({ doc }) {
          const found = [];
          doc.descendants((node, at, parent) => {
            const text = node.isTextblock && !node.content.size && invitation(node, parent);
            if (text) found.push(Decoration.node(at, at + node.nodeSize, { class: "is-empty", "data-placeholder": text }));
          });
          return DecorationSet.create(doc, found);
        },
      },
    }),
  ],
});

const Line = Node.create({ name: "doc", topNode: true, content: "paragraph" });
const plainRules = { addInputRules: () => [] }; // stars and signs are what they are in a release

const INLINE = [
  Line,
  Paragraph,
  Text,
  Bold.extend(plainRules),
  Italic.extend(plainRules),
  Link,
  Foreign,
  Figure,
  Gap,
  UndoRedo.configure({ depth: 200 }),
];

const BLOCKS = [
  ...INLINE.slice(1),
  Document,
  HardBreak,
  Heading.extend(plainRules).configure({ levels: [2, 3] }),
  BulletList.extend({ addInputRules: () => [] }),
  OrderedList,
  ListItem.extend({ content: "paragraph (paragraph | bulletList | orderedList)*" }),
  ListKeymap,
  Quote,
  QuoteBy,
  Pull,
  TableBlock,
  TableCaption,
  Table,
  TableRow,
  TableCell,
  TableHeader,
  Embed,
  Dropcursor.configure({ color: false, class: "drop-line" }),
  Gapcursor,
  TrailingNode,
  Invitations,
];

/** Turn a frame of the page into a surface: {part, editor, html, set, act, …}. */
export function makeSurface(frame, extras) {
  const source = frame.querySelector("textarea");
  const isInline = frame.dataset.editor === "inline";
  const part = frame.dataset.kind;
  // `act` is what the keys of the surface reach: the page fills it in.
  const surface = { part, isInline, frame, source, label: frame.dataset.label, act: {} };
  const extensions = [
    ...(isInline ? INLINE : BLOCKS),
    keys(surface),
    clipboard(surface),
    typing(source.lang, isInline),
    ...extras(surface),
  ];
  const place = element("div", { class: "editor__place" });
  const hint = source.getAttribute("aria-describedby");
  source.id = `${part}-source`; // links to the field lead to what can be seen
  source.hidden = true;
  frame.append(place);

  surface.editor = new Editor({
    element: place,
    injectCSS: false,
    enablePasteRules: false,
    extensions,
    content: read(source.value, getSchema(extensions), isInline).toJSON(),
    editorProps: {
      attributes: {
        id: part,
        class: `editor__surface editor__surface--${part}`,
        lang: source.lang,
        role: "textbox",
        spellcheck: "true",
        "aria-label": frame.dataset.label,
        "aria-multiline": String(!isInline),
        "aria-describedby": hint ? `${hint} editor-keys` : "editor-keys",
      },
    },
  });
  surface.html = () => written(surface.editor.state.doc, isInline);
  surface.words = () => wordsOf(surface.editor.state.doc);
  surface.set = (html) => {
    const doc = read(html, surface.editor.schema, isInline);
    surface.editor.commands.setContent(doc.toJSON());
  };
  document.querySelector(`label[for="${part}"]`)?.addEventListener("click", () => surface.editor.view.focus());
  return surface;
}

function invitation(node, parent) {
  const waits = { tableCaption: "editor.invite_caption", quoteBy: "editor.invite_speaker" }[node.type.name];
  if (waits) return word(waits);
  const inside = { quote: "editor.invite_quote", pull: "editor.invite_pull" }[parent.type.name];
  if (inside) return parent.firstChild === node ? word(inside) : "";
  return parent.type.name === "doc" && parent.childCount === 1 ? word("editor.invite_body") : "";
}

function keys(surface) {
  const act = (name) => () => {
    surface.act[name]?.();
    return Boolean(surface.act[name]);
  };
  let isLeaving = false; // Escape, and the next Tab leaves a list or a table
  return Extension.create({
    name: "keys",
    priority: 1100,
    addKeyboardShortcuts() {
      const shortcuts = {
        "Mod-s": act("save"),
        "Mod-k": act("link"),
        "Mod-Shift-f": act("figures"),
        "Mod-/": act("help"),
        "Alt-F10": act("toolbar"),
        // A browser loses its way where a chip is the first or the last thing.
        "Mod-Home": () => this.editor.commands.setTextSelection(Selection.atStart(this.editor.state.doc).from),
        "Mod-End": () => this.editor.commands.setTextSelection(Selection.atEnd(this.editor.state.doc).to),
        "Mod-Shift- ": () => this.editor.commands.insertContent({ type: "text", text: "\u00a0" }),
      };
      return surface.isInline ? { ...shortcuts, Enter: act("next") } : { ...shortcuts, "Mod-Shift-m": act("embeds") };
    },
    addProseMirrorPlugins() {
      return [
        new Plugin({
          props: {
            handleDOMEvents: {
              keydown: (view, event) => {
                // The key is for what is chosen now, even if the browser has not told of it yet.
                if (!view.composing) view.domObserver.flush();
                const leaves = isLeaving && event.key === "Tab";
                if (event.key !== "Shift") isLeaving = event.key === "Escape";
                return leaves;
              },
            },
            handleTextInput: (view, from, to, text) => {
              const before = view.state.doc.textBetween(Math.max(from - 1, 0), from, " ", " ");
              if (text !== "#" || !surface.act.figures || /\S/.test(before)) return false;
              surface.act.figures("#");
              return true;
            },
            // A file that is dropped would take the page's place.
            handleDrop: (_view, event, slice) => Boolean(event.dataTransfer?.files.length) && !slice?.size,
          },
        }),
      ];
    },
  });
}

function clipboard({ isInline }) {
  const asText = (text) => {
    const lines = text.replace(/\r\n?/g, "\n").trim();
    if (isInline) return [lines.replace(/\s*\n\s*/g, " ")];
    const paragraphs = lines.split(lines.includes("\n\n") ? /\n{2,}/ : "\n");
    return paragraphs.map((one) => one.replace(/[ \t]*\n[ \t]*/g, " ")).filter((one) => one.trim());
  };
  return Extension.create({
    name: "pasting",
    addProseMirrorPlugins() {
      const { schema } = this.editor;
      return [
        new Plugin({
          props: {
            transformPastedHTML(html) {
              const body = parsed(html);
              if (!isInline && isOurs(body)) return html;
              normalise(body, { isInline, isPasted: true });
              body.querySelectorAll("[data-pm-slice]").forEach((one) => one.removeAttribute("data-pm-slice"));
              return body.innerHTML;
            },
            clipboardTextParser(text, $context) {
              const paragraphs = asText(text).map((one) => schema.nodes.paragraph.create(null, one ? schema.text(one, $context.marks()) : null));
              return new Slice(Fragment.from(paragraphs), 1, 1);
            },
            // An address pasted over words makes a link of them.
            handlePaste(view, event) {
              const { selection, tr } = view.state;
              const link = selection.empty ? null : address(event.clipboardData?.getData("text/plain") ?? "");
              if (!link || !/^https?:/.test(link) || !selection.$from.sameParent(selection.$to)) return false;
              view.dispatch(tr.addMark(selection.from, selection.to, schema.marks.link.create({ href: link })));
              return true;
            },
          },
        }),
      ];
    },
  });
}

// Signs as they are set in print. Backspace, or undo, brings back what was typed.
function typing(language, isInline) {
  const isSwedish = language === "sv";
  const rule = (find, sign) =>
    new InputRule({
      find,
      handler: ({ state, range, match }) => {
        const before = state.doc.textBetween(Math.max(range.from - 1, 0), range.from, " ", " ");
        state.tr.insertText(typeof sign === "string" ? sign : sign(!/[^\s([{\u2013\u2014]/.test(before), match), range.from, range.to);
      },
    });
  return Extension.create({
    name: "typing",
    addInputRules() {
      const rules = [
        rule(/"$/, (opens) => (opens && !isSwedish ? "\u201c" : "\u201d")),
        rule(/'$/, (opens) => (opens && !isSwedish ? "\u2018" : "\u2019")),
        rule(/\.\.\.$/, "\u2026"),
        rule(/ - $/, " \u2013 "),
      ];
      if (isSwedish) rules.push(rule(/^- $/, "\u2013 ")); // a line of speech begins so
      if (!isInline) rules.push(wrappingInputRule({ find: isSwedish ? /^\*\s$/ : /^[-*]\s$/, type: this.editor.schema.nodes.bulletList }));
      return rules;
    },
  });
}
