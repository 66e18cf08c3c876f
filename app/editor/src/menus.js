// What a tool opens: the round's figures, what may be embedded, and the address of a link.

import { insertFigure, offered } from "./chips.js";
import { announce, element, freshId } from "./dom.js";
import { embeddable, insertEmbed, kindName } from "./embeds.js";
import { address } from "./marks.js";
import { makeChooser, makePopup } from "./popup.js";
import { even, word } from "./words.js";

const SHOWN = 60;

/** The menu of figures; the returned function opens it. "#" is what was typed to ask for it. */
export function figureMenu(surface, opener) {
  let typed = "";
  const { editor } = surface;
  const chooser = makeChooser({
    label: word("editor.figure_search"),
    find: (wanted) => {
      const parts = even(wanted).toLowerCase().split(" ");
      const fits = (figure) => {
        const said = even(`${figure.words} ${figure.name} ${figure.value}`).toLowerCase();
        return parts.every((part) => said.includes(part)) || said.includes(parts.join(" "));
      };
      return offered.filter(fits).slice(0, SHOWN);
    },
    row: (figure) => [element("span", {}, figure.words), " ", element("small", {}, figure.name)],
    choose: (figure) => {
      typed = "";
      popup.close(true);
      insertFigure(editor, figure);
      announce(word("editor.figure_in", { words: figure.words }));
    },
  });
  const popup = makePopup(surface.frame, {
    label: word("editor.figure"),
    opener,
    onClose: () => {
      editor.view.focus();
      // Whoever wanted the sign itself has it, with what was typed after it.
      if (typed) editor.view.dispatch(editor.state.tr.insertText(typed + chooser.field.value));
      typed = "";
    },
  });
  popup.panel.append(chooser.field, chooser.list);
  return (sign = "") => {
    if (popup.isOpen()) {
      popup.close();
      return;
    }
    chooser.fill();
    popup.open(sign === "#" ? editor.view.coordsAtPos(editor.state.selection.from) : opener.getBoundingClientRect());
    typed = sign === "#" ? "#" : "";
    chooser.field.focus();
  };
}

/** The menu of pictures, documents and contacts. */
export function embedMenu(surface, opener) {
  const { editor } = surface;
  const chooser = makeChooser({
    label: word("editor.embed_search"),
    find: (wanted) => {
      const said = (one) => even(`${one.label} ${kindName(one.kind)}`).toLowerCase();
      return embeddable.filter((one) => said(one).includes(even(wanted).toLowerCase())).slice(0, SHOWN);
    },
    row: (one) => [
      one.src ? element("img", { class: "chooser__picture", src: one.src, alt: "" }) : null,
      element("span", {}, one.label),
      " ",
      element("small", {}, kindName(one.kind)),
    ],
    choose: (one) => {
      popup.close(true);
      insertEmbed(editor, one);
    },
  });
  const popup = makePopup(surface.frame, { label: word("editor.embed"), opener, onClose: () => editor.view.focus() });
  popup.panel.append(chooser.field, chooser.list);
  return () => {
    if (popup.isOpen()) {
      popup.close();
      return;
    }
    chooser.fill();
    popup.open(opener.getBoundingClientRect());
    chooser.field.focus();
  };
}

/** The address of a link, asked for beside the words it stands on. */
export function linkDialog(surface, opener) {
  const { editor } = surface;
  const id = freshId("link");
  const field = element("input", { class: "input", id, type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-wrong` });
  const wrong = element("p", { class: "field__error", id: `${id}-wrong`, role: "alert" });
  const use = element("button", { type: "button", class: "button button--small" }, word("editor.link_use"));
  const remove = element("button", { type: "button", class: "button button--quiet button--small" }, word("editor.link_remove"));
  const popup = makePopup(surface.frame, { label: word("editor.link"), opener, onClose: () => editor.view.focus() });
  popup.panel.classList.add("popup--form");
  popup.panel.append(
    element("label", { class: "field__label", for: id }, word("editor.link_address")),
    element("p", { class: "field__hint" }, word("editor.link_hint")),
    field,
    wrong,
    element("div", { class: "cluster" }, use, remove),
  );

  const done = () => {
    const href = address(field.value);
    if (!href) {
      wrong.textContent = word("editor.link_wrong");
      field.setAttribute("aria-invalid", "true");
      field.focus();
      return;
    }
    popup.close(true);
    const chain = editor.chain();
    if (editor.isActive("link")) chain.extendMarkRange("link").setMark("link", { href }).run();
    else if (!editor.state.selection.empty) chain.setMark("link", { href }).run();
    else chain.insertContent({ type: "text", text: href.replace(/^(?:https?:\/\/|mailto:|tel:)/, ""), marks: [{ type: "link", attrs: { href } }] }).run();
  };
  use.addEventListener("click", done);
  remove.addEventListener("click", () => {
    popup.close(true);
    editor.chain().extendMarkRange("link").unsetMark("link").run();
  });
  field.addEventListener("input", (event) => event.stopPropagation());
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    done();
  });
  return () => {
    if (popup.isOpen()) {
      popup.close();
      return;
    }
    field.value = editor.getAttributes("link").href ?? "";
    field.removeAttribute("aria-invalid");
    wrong.textContent = "";
    remove.hidden = !editor.isActive("link");
    popup.open(editor.view.coordsAtPos(editor.state.selection.from));
    field.focus();
    field.select();
  };
}
