// Tables: rows of cells that hold a line of text each, under a caption. No merged cells.

import { Node } from "@tiptap/core";
import { Selection, TextSelection } from "@tiptap/pm/state";
import {
  addColumnAfter,
  addColumnBefore,
  addRowAfter,
  addRowBefore,
  deleteColumn,
  deleteRow,
  goToNextCell,
  isInTable,
  selectedRect,
  tableEditing,
  toggleHeader,
} from "@tiptap/pm/tables";
import { element } from "./dom.js";
import { around } from "./quotes.js";
import { word } from "./words.js";

const SPANS = {
  colspan: { default: 1, rendered: false },
  rowspan: { default: 1, rendered: false },
  colwidth: { default: null, rendered: false },
};

/** A table and its caption, which HTML keeps inside the table. */
export const TableBlock = Node.create({
  name: "tableBlock",
  group: "block",
  content: "tableCaption table",
  isolating: true,
  defining: true,
  parseHTML() {
    return [{ tag: "div[data-table]" }];
  },
  renderHTML() {
    return ["div", { "data-table": "" }, 0];
  },
  extendNodeSchema(extension) {
    return { tableRole: extension.config.tableRole };
  },
  addNodeView() {
    return () => {
      const contentDOM = element("div", { class: "table-block" });
      return { dom: contentDOM, contentDOM };
    };
  },
  addProseMirrorPlugins() {
    return [tableEditing()];
  },

  addCommands() {
    const inTable = (command) => () => ({ state, dispatch }) => isInTable(state) && command(state, dispatch);
    return {
      insertTable: () => ({ state, dispatch, tr }) => {
        const { $from } = state.selection;
        if ($from.depth !== 1) return false; // no table in a list or a quote
        if (dispatch) {
          const { tableBlock, tableCaption, table, tableRow, tableHeader, tableCell } = state.schema.nodes;
          const row = (cell) => tableRow.create(null, [cell.create(), cell.create(), cell.create()]);
          const made = tableBlock.create(null, [
            tableCaption.create(),
            table.create(null, [row(tableHeader), row(tableCell), row(tableCell)]),
          ]);
          const isEmpty = !$from.parent.content.size;
          const at = isEmpty ? $from.before(1) : $from.after(1);
          tr.replaceWith(at, isEmpty ? $from.after(1) : at, made);
          tr.setSelection(TextSelection.create(tr.doc, at + 6)).scrollIntoView();
        }
        return true;
      },
      addRowBefore: inTable(addRowBefore),
      addRowAfter: inTable(addRowAfter),
      addColumnBefore: inTable(addColumnBefore),
      addColumnAfter: inTable(addColumnAfter),
      deleteRow: () => ({ state, dispatch, commands }) => {
        if (!isInTable(state)) return false;
        const { top, bottom, map } = selectedRect(state);
        return bottom - top === map.height ? commands.deleteTable() : deleteRow(state, dispatch);
      },
      deleteColumn: () => ({ state, dispatch, commands }) => {
        if (!isInTable(state)) return false;
        const { left, right, map } = selectedRect(state);
        return right - left === map.width ? commands.deleteTable() : deleteColumn(state, dispatch);
      },
      toggleHeaderRow: inTable(toggleHeader("row", { useDeprecatedLogic: false })),
      deleteTable: () => ({ state, dispatch, tr }) => {
        const block = around(state, "tableBlock");
        if (!block) return false;
        if (dispatch) {
          tr.replaceWith(block.at, block.at + block.node.nodeSize, state.schema.nodes.paragraph.create());
          tr.setSelection(TextSelection.create(tr.doc, block.at + 1));
        }
        return true;
      },
    };
  },

  addKeyboardShortcuts() {
    return {
      Tab: () => this.editor.commands.command(({ state, dispatch }) => goToNextCell(1)(state, dispatch)) || nextRow(this.editor),
      "Shift-Tab": () => this.editor.commands.command(({ state, dispatch }) => goToNextCell(-1)(state, dispatch)),
      Enter: () => enter(this.editor),
      Backspace: () => emptied(this.editor),
    };
  },
});

export const TableCaption = Node.create({
  name: "tableCaption",
  content: "inline*",
  defining: true,
  isolating: true,
  selectable: false,
  parseHTML() {
    return [{ tag: "p[data-caption]", priority: 100 }];
  },
  renderHTML() {
    return ["p", { "data-caption": "" }, 0];
  },
});

export const Table = Node.create({
  name: "table",
  content: "tableRow+",
  tableRole: "table",
  isolating: true,
  parseHTML() {
    return [{ tag: "table" }];
  },
  renderHTML() {
    return ["table", ["tbody", 0]];
  },
  addNodeView() {
    return () => {
      const contentDOM = element("tbody");
      const dom = element("div", { class: "table-block__scroll" }, element("table", {}, contentDOM));
      return { dom, contentDOM };
    };
  },
});

export const TableRow = Node.create({
  name: "tableRow",
  content: "(tableCell | tableHeader)+",
  tableRole: "row",
  parseHTML() {
    return [{ tag: "tr" }];
  },
  renderHTML() {
    return ["tr", 0];
  },
});

export const TableCell = Node.create({
  name: "tableCell",
  content: "inline*",
  tableRole: "cell",
  isolating: true,
  addAttributes: () => SPANS,
  parseHTML() {
    return [{ tag: "td" }];
  },
  renderHTML() {
    return ["td", 0];
  },
});

export const TableHeader = Node.create({
  name: "tableHeader",
  content: "inline*",
  tableRole: "header_cell",
  isolating: true,
  addAttributes: () => SPANS,
  parseHTML() {
    return [{ tag: "th" }];
  },
  renderHTML() {
    return ["th", 0];
  },
});

/** Which cell the caret is in, for a screen reader: "Row 2, column 1". */
export function placeInTable(state) {
  if (!isInTable(state)) return "";
  const { top, left } = selectedRect(state);
  return word("editor.table_place", { row: top + 1, column: left + 1 });
}

// Tab in the last cell makes another row, as in every word processor.
function nextRow(editor) {
  if (!isInTable(editor.state)) return false;
  return editor
    .chain()
    .addRowAfter()
    .command(({ state: grown, dispatch }) => goToNextCell(1)(grown, dispatch))
    .run();
}

// Enter breaks the line in a cell, and leaves the caption for the first one.
function enter({ state, view, commands }) {
  const { $from } = state.selection;
  if ($from.parent.type.name === "tableCaption") {
    const first = Selection.near(state.doc.resolve($from.after()), 1);
    view.dispatch(state.tr.setSelection(first).scrollIntoView());
    return true;
  }
  return isInTable(state) && commands.setHardBreak();
}

// Backspace in the first cell of an empty table takes the table away.
function emptied({ state, commands }) {
  const block = around(state, "tableBlock");
  if (!block || !state.selection.empty || state.selection.$from.parentOffset) return false;
  if (block.node.textContent || hasLeaves(block.node)) return state.selection.$from.parent.content.size === 0;
  return commands.deleteTable();
}

function hasLeaves(node) {
  let found = false;
  node.descendants((inner) => {
    found = found || (inner.isLeaf && !inner.isText);
  });
  return found;
}
