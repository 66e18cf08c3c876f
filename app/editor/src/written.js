// What a surface holds, as the HTML that a release keeps.

import { DOMParser, DOMSerializer } from "@tiptap/pm/model";
import { normalise, parsed } from "./normalise.js";

const nowhere = document.implementation.createHTMLDocument("");

/** The HTML of a document: as the server would clean it, so that nothing changes by being opened. */
export function written(doc, isInline) {
  const holder = nowhere.createElement("div");
  const content = isInline ? doc.firstChild.content : doc.content;
  DOMSerializer.fromSchema(doc.type.schema).serializeFragment(content, { document: nowhere }, holder);
  if (isInline) return holder.innerHTML.trim();
  holder.querySelectorAll("[data-table]").forEach(bareTable);
  holder.querySelectorAll("li").forEach(bareItem);
  holder.querySelectorAll("footer, p").forEach((one) => { if (!one.hasChildNodes()) one.remove(); });
  for (const list of [...holder.querySelectorAll("li, ul, ol, blockquote, aside, h2, h3")].reverse()) {
    const words = [...list.children].filter((one) => one.nodeName !== "FOOTER");
    if (!list.textContent.trim() && !words.length) list.remove();
  }
  return holder.innerHTML;
}

/** The document of a text as it is kept. */
export function read(html, schema, isInline) {
  const body = parsed(html);
  normalise(body, { isInline });
  return DOMParser.fromSchema(schema).parse(body);
}

/** The words of a document as they are counted and compared: blocks parted by a line break. */
export function wordsOf(doc) {
  return doc.textBetween(0, doc.content.size, "\n", (leaf) => leaf.attrs.words ?? leaf.attrs.note ?? (leaf.type.name === "hardBreak" ? "\n" : ""));
}

function bareTable(block) {
  const [said, table] = block.children;
  const rows = [...table.querySelectorAll("tr")];
  const made = nowhere.createElement("table");
  if (said.hasChildNodes()) {
    const caption = nowhere.createElement("caption");
    caption.append(...said.childNodes);
    made.append(caption);
  }
  const isHead = (row) => [...row.children].every((cell) => cell.nodeName === "TH");
  if (isHead(rows[0]) && rows.length > 1) {
    const head = nowhere.createElement("thead");
    head.append(rows.shift());
    head.querySelectorAll("th").forEach((cell) => { cell.scope = "col"; });
    made.append(head);
  }
  const body = nowhere.createElement("tbody");
  body.append(...rows);
  body.querySelectorAll("th").forEach((cell) => { cell.scope = isHead(cell.parentElement) ? "col" : "row"; });
  made.append(body);
  block.replaceWith(made);
}

// An item of one paragraph is written without it; what stands under it stays under it.
function bareItem(item) {
  const paragraphs = [...item.children].filter((one) => one.nodeName === "P");
  if (paragraphs.length === 1) paragraphs[0].replaceWith(...paragraphs[0].childNodes);
}
