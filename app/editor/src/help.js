// What the keyboard can do, in a dialog.

import { element } from "./dom.js";
import { offered } from "./chips.js";
import { embeddable } from "./embeds.js";
import { spoken } from "./toolbar.js";
import { word } from "./words.js";

function shortcuts() {
  return [
    ["Ctrl+B", word("editor.bold")],
    ["Ctrl+I", word("editor.italic")],
    ["Ctrl+K", word("editor.link")],
    ["Ctrl+Alt+2", word("editor.heading2")],
    ["Ctrl+Alt+3", word("editor.heading3")],
    ["Ctrl+Shift+8", word("editor.bullets")],
    ["Ctrl+Shift+7", word("editor.numbers")],
    ["Ctrl+Shift+B", word("editor.quote")],
    ...(offered.length ? [["Ctrl+Shift+F", word("editor.figure")], ["#", word("editor.help_sign")]] : []),
    ...(embeddable.length ? [["Ctrl+Shift+M", word("editor.embed")]] : []),
    ["Alt+Shift+↑ ↓", word("editor.help_move")],
    ["Ctrl+Shift+Space", word("editor.help_space")],
    ["Ctrl+Z", word("editor.undo")],
    ["Ctrl+Shift+Z", word("editor.redo")],
    ["Ctrl+S", word("editor.help_save")],
    ["Alt+F10", word("editor.help_toolbar")],
    ["Esc, Tab", word("editor.help_leave")],
    ["Ctrl+/", word("editor.help")],
  ];
}

/** Make the dialog and its button; the returned function opens it. */
export function makeHelp() {
  const close = element("button", { type: "button", class: "button", onClick: () => dialog.close() }, word("editor.close"));
  const rows = shortcuts().map(([keys, what]) => element("div", {}, element("dt", {}, element("kbd", {}, spoken(keys))), element("dd", {}, what)));
  const dialog = element(
    "dialog",
    { class: "help", "aria-labelledby": "editor-help-title" },
    element("h2", { id: "editor-help-title" }, word("editor.help")),
    element("dl", { class: "help__keys" }, ...rows),
    close,
  );
  document.body.append(dialog);
  const open = () => {
    if (!dialog.open) dialog.showModal();
  };
  const place = document.getElementById("editor-more");
  place?.append(element("button", { type: "button", class: "text-button", onClick: open }, word("editor.help")));
  return open;
}
