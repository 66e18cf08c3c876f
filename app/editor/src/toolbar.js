// The toolbar of a surface: one stop for the Tab key, the arrows go from tool to tool.

import { offered, staleIn, updateFigures } from "./chips.js";
import { announce, element, icon } from "./dom.js";
import { embeddable } from "./embeds.js";
import { ICONS } from "./icons.js";
import { embedMenu, figureMenu, linkDialog } from "./menus.js";
import { placeInTable } from "./tables.js";
import { word } from "./words.js";

const IS_MAC = /mac|iphone|ipad/i.test(navigator.platform);

/** A shortcut as the keyboard in front of the reader names it. */
export function spoken(keys) {
  return IS_MAC ? keys.replace("Ctrl+", "⌘").replace("Alt+", "⌥").replace("Shift+", "⇧") : keys;
}

/** Build the toolbar of a surface and let its keys reach it. */
export function makeToolbar(surface) {
  const { editor, isInline, act } = surface;
  const bar = element("div", {
    class: "editor__toolbar",
    role: "toolbar",
    "aria-label": `${word("common.toolbar")}: ${surface.label}`,
    "aria-controls": surface.part,
  });
  const row = element("div", { class: "tools__row" });
  const refreshers = [];
  bar.append(row);
  const run = (name, ...given) => () => {
    editor.view.focus();
    editor.commands[name](...given);
  };
  const tool = (key, drawing, use, { keys = "", isOn = null, can = null, text = "" } = {}) => {
    const label = word(key);
    const shown = keys ? `${label} (${spoken(keys)})` : label;
    const button = element(
      "button",
      {
        type: "button",
        class: text ? "tool tool--worded" : "tool",
        tabindex: "-1",
        "aria-label": label,
        title: shown,
        "aria-keyshortcuts": keys ? keys.replaceAll("Ctrl", IS_MAC ? "Meta" : "Control") : null,
        onMousedown: (event) => event.preventDefault(),
        onClick: () => { if (button.getAttribute("aria-disabled") !== "true") use(); },
      },
      drawing ? icon(ICONS[drawing]) : null,
      text,
    );
    refreshers.push(() => {
      if (isOn) button.setAttribute("aria-pressed", String(isOn()));
      if (can) button.setAttribute("aria-disabled", String(!can()));
    });
    return button;
  };
  const group = (label, ...tools) => element("div", { class: "tools", role: "group", "aria-label": label }, ...tools);
  const active = (name, attributes) => () => editor.isActive(name, attributes);
  const history = () => [
    tool("editor.undo", "undo", run("undo"), { keys: "Ctrl+Z", can: () => editor.can().undo() }),
    tool("editor.redo", "redo", run("redo"), { keys: "Ctrl+Shift+Z", can: () => editor.can().redo() }),
  ];

  if (!isInline) {
    const link = tool("editor.link", "link", () => act.link(), { keys: "Ctrl+K", isOn: active("link") });
    act.link = linkDialog(surface, link);
    row.append(
      group(
        word("editor.group_letters"),
        tool("editor.bold", "bold", run("toggleBold"), { keys: "Ctrl+B", isOn: active("bold") }),
        tool("editor.italic", "italic", run("toggleItalic"), { keys: "Ctrl+I", isOn: active("italic") }),
        link,
      ),
      group(
        word("editor.group_blocks"),
        tool("editor.heading2", "", run("toggleHeading", { level: 2 }), { keys: "Ctrl+Alt+2", isOn: active("heading", { level: 2 }), text: word("editor.heading2_short") }),
        tool("editor.heading3", "", run("toggleHeading", { level: 3 }), { keys: "Ctrl+Alt+3", isOn: active("heading", { level: 3 }), text: word("editor.heading3_short") }),
        tool("editor.bullets", "bullets", run("toggleBulletList"), { keys: "Ctrl+Shift+8", isOn: active("bulletList") }),
        tool("editor.numbers", "numbers", run("toggleOrderedList"), { keys: "Ctrl+Shift+7", isOn: active("orderedList") }),
      ),
      group(
        word("editor.group_parts"),
        tool("editor.quote", "quote", run("toggleQuote"), { keys: "Ctrl+Shift+B", isOn: active("quote"), can: () => editor.can().toggleQuote() }),
        tool("editor.pull", "pull", run("togglePull"), { isOn: active("pull"), can: () => editor.can().togglePull() }),
        tool("editor.table", "table", run("insertTable"), { can: () => editor.can().insertTable() }),
      ),
    );
  }
  row.append(group(word("editor.group_history"), ...history()));
  const last = [];
  if (!isInline && embeddable.length) {
    const embed = tool("editor.embed", "embed", () => act.embeds(), { keys: "Ctrl+Shift+M" });
    act.embeds = embedMenu(surface, embed);
    last.push(embed);
  }
  if (offered.length) {
    const stale = tool("editor.update_figures", "refresh", () => updated(editor), {});
    refreshers.push(() => { stale.hidden = !staleIn(editor.state.doc).length; });
    const figure = tool("editor.figure", "", () => act.figures(), { keys: "Ctrl+Shift+F", text: `# ${word("editor.figure_short")}` });
    act.figures = figureMenu(surface, figure);
    last.push(stale, figure);
  }
  if (last.length) row.append(group(word("editor.group_insert"), ...last));
  if (!isInline) {
    const inTable = group(
      word("editor.group_table"),
      tool("editor.row_above", "above", run("addRowBefore")),
      tool("editor.row_below", "below", run("addRowAfter")),
      tool("editor.column_before", "before", run("addColumnBefore")),
      tool("editor.column_after", "after", run("addColumnAfter")),
      tool("editor.row_away", "row", run("deleteRow")),
      tool("editor.column_away", "column", run("deleteColumn")),
      tool("editor.header_row", "head", run("toggleHeaderRow"), { isOn: () => editor.isActive("tableHeader") }),
      tool("editor.table_away", "remove", run("deleteTable")),
    );
    const tableRow = element("div", { class: "tools__row tools--table" }, inTable);
    let place = "";
    refreshers.push(() => {
      tableRow.hidden = !editor.isActive("tableBlock");
      const here = placeInTable(editor.state);
      if (here && here !== place) announce(here);
      place = here;
    });
    bar.append(tableRow);
  }

  walkByArrows(bar, editor);
  act.toolbar = () => bar.querySelector(".tool[tabindex='0']").focus();
  const refresh = () => {
    refreshers.forEach((one) => one());
    const stop = bar.querySelector(".tool[tabindex='0']");
    if (stop.closest("[hidden]")) { // the Tab key must still find one
      stop.tabIndex = -1;
      bar.querySelector(".tool").tabIndex = 0;
    }
  };
  editor.on("transaction", refresh);
  refresh();
  if (isInline) surface.frame.append(bar);
  else surface.frame.prepend(bar);
}

function updated(editor) {
  const n = updateFigures(editor);
  announce(n ? word("editor.updated_figures", { n }) : word("editor.updated_none"));
  editor.view.focus();
}

function walkByArrows(bar, editor) {
  const tools = () => [...bar.querySelectorAll(".tool")].filter((one) => !one.closest("[hidden]"));
  const go = (next) => {
    bar.querySelectorAll(".tool").forEach((one) => { one.tabIndex = one === next ? 0 : -1; });
    next.focus();
  };
  tools()[0].tabIndex = 0;
  bar.addEventListener("focusin", (event) => {
    if (event.target.matches(".tool")) bar.querySelectorAll(".tool").forEach((one) => { one.tabIndex = one === event.target ? 0 : -1; });
  });
  bar.addEventListener("keydown", (event) => {
    if (!event.target.matches(".tool")) return;
    const shown = tools();
    const at = shown.indexOf(event.target);
    const next = {
      ArrowRight: shown[(at + 1) % shown.length],
      ArrowLeft: shown[(at - 1 + shown.length) % shown.length],
      Home: shown[0],
      End: shown.at(-1),
    }[event.key];
    if (event.key === "Escape") editor.view.focus();
    else if (next) go(next);
    else return;
    event.preventDefault();
  });
}
