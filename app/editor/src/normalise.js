// HTML from outside, in the shapes the editor knows: what Word, Google Docs, mail programs and web
// pages put on the clipboard, and our own texts as they are kept. Works on an inert document.

const GOES = "style, script, meta, link, title, head, xml, noscript, template, object, iframe, svg, math, img, picture, video, audio, button, input, select, textarea, [aria-hidden=true], .Apple-interchange-newline";
const BLOCK = /^(?:P|DIV|H[1-6]|LI|UL|OL|DL|DT|DD|BLOCKQUOTE|ASIDE|FOOTER|TABLE|CAPTION|TR|TD|TH|THEAD|TBODY|TFOOT|SECTION|ARTICLE|MAIN|HEADER|NAV|PRE|ADDRESS|FIGURE|FIGCAPTION|HR)$/;
const KEPT = "data[data-figure], mark[data-gap], figure[data-image], figure[data-document], figure[data-contact]";

/** A body to normalise, out of HTML that somebody else wrote. Its styles are words to read here: as
 * styles and handlers the page's policy would refuse them, one complaint for each. */
export function parsed(html) {
  const bare = html.replace(/<style\b[^]*?<\/style\s*>/gi, "");
  const tame = bare.replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\sstyle\s*=/gi, " data-css=").replace(/\son[a-z]+\s*=/gi, " data-off="));
  return new DOMParser().parseFromString(tame, "text/html").body;
}

const OURS = /^(?:P|H[23]|STRONG|EM|I|A|BR|UL|OL|LI|DATA|MARK|TABLE|TBODY|TR|TH|TD|BLOCKQUOTE|FOOTER|ASIDE|FIGURE|DIV)$/;

/** Whether it was copied from a surface like these and can go back as it is. */
export function isOurs(body) {
  const all = [...body.querySelectorAll("*")];
  return body.querySelector("[data-pm-slice]") !== null && all.every((one) => OURS.test(one.nodeName) && !one.dataset.css && !one.hasAttribute("class"));
}

/** Make `body` hold only what a surface can show: blocks unless `isInline`. */
export function normalise(body, { isInline, isPasted = false }) {
  withoutComments(body);
  wordLists(body);
  body.querySelectorAll(GOES).forEach((one) => one.remove());
  body.querySelectorAll("figure:not([data-image], [data-document], [data-contact])").forEach(unwrap);
  [...body.querySelectorAll("[data-css]")].reverse().forEach(dress);
  body.querySelectorAll("a[href]").forEach(straighten);
  if (isInline) {
    flatten(body);
    return;
  }
  body.querySelectorAll("h1").forEach((one) => rename(one, "h2"));
  body.querySelectorAll("h4, h5, h6").forEach((one) => rename(one, "h3"));
  body.querySelectorAll("pre").forEach(lines);
  if (isPasted) [...body.querySelectorAll("table")].reverse().forEach(layoutTable);
  body.querySelectorAll("table").forEach(evenTable);
  [body, ...body.querySelectorAll("p, div, section, article, main")].forEach(splitAtBreaks);
  body.querySelectorAll("blockquote").forEach(evenQuote);
  [...body.querySelectorAll("p, div, h2, h3, li, ul, ol, blockquote, aside")].reverse().forEach(dropBlank);
}

function withoutComments(body) {
  const walker = body.ownerDocument.createTreeWalker(body, NodeFilter.SHOW_COMMENT);
  const comments = [];
  while (walker.nextNode()) comments.push(walker.currentNode);
  comments.forEach((comment) => comment.remove());
}

// Word draws its lists: paragraphs with a bullet or number of their own and the level in the style.
function wordLists(body) {
  const style = (one) => one.dataset.css ?? "";
  const items = [...body.querySelectorAll("[data-css*='mso-list']")].filter((one) => /^(?:P|LI|H[1-6]|DIV)$/.test(one.nodeName) && !/mso-list:\s*(?:ignore|none)/i.test(style(one)));
  const open = []; // [{list, level}] of the lists the last item stood in
  let last = null;
  for (const one of items) {
    const level = Number(/level(\d+)/i.exec(style(one))?.[1] ?? 1);
    const drawn = one.querySelector("[data-css*='mso-list:Ignore'], [data-css*='mso-list: Ignore']");
    const name = /^[(\s]*(?:\d+|[a-z]{1,4})[.)]/i.test(drawn?.textContent ?? "") ? "ol" : "ul";
    one.querySelectorAll("[data-css*='mso-list:Ignore'], [data-css*='mso-list: Ignore']").forEach((mark) => mark.remove());
    if (one.nodeName === "LI") continue;
    const follows = last && nextElement(last.block) === one;
    if (!follows) open.length = 0;
    while (open.length && open.at(-1).level > level) open.pop();
    if (open.at(-1)?.level === level && open.at(-1).name !== name && open.length === 1) open.pop();
    let list = open.at(-1)?.level === level ? open.at(-1).list : null;
    if (!list) {
      list = one.ownerDocument.createElement(name);
      const parent = open.at(-1)?.list.lastElementChild;
      if (parent) parent.append(list);
      else one.before(list);
      open.push({ list, level, name });
    }
    const item = one.ownerDocument.createElement("li");
    item.append(...one.childNodes);
    list.append(item);
    last = { block: open[0].list };
    one.remove();
  }
}

function nextElement(node) {
  let next = node.nextSibling;
  while (next && next.nodeType === Node.TEXT_NODE && !next.data.trim()) next = next.nextSibling;
  return next;
}

// Bold and italics that stand in a style become elements; every other style goes.
function dress(one) {
  const style = one.dataset.css;
  const weight = /(?:^|[;\s])font-weight:\s*(\w+)/i.exec(style)?.[1];
  const slant = /(?:^|[;\s])font-style:\s*(\w+)/i.exec(style)?.[1];
  delete one.dataset.css;
  if (/(?:^|[;\s])display:\s*none|mso-hide:\s*all/i.test(style)) {
    one.remove();
    return;
  }
  if (/^(?:B|STRONG)$/.test(one.nodeName)) {
    if (weight && !isBold(weight)) unwrap(one);
  } else if (/^(?:I|EM)$/.test(one.nodeName)) {
    if (slant && slant !== "italic") unwrap(one);
  } else if (/^(?:SPAN|FONT|A)$/.test(one.nodeName)) {
    if (isBold(weight)) wrapInside(one, "strong");
    if (/^(?:italic|oblique)$/i.test(slant)) wrapInside(one, "em");
  }
}

function isBold(weight) {
  return /^bold/i.test(weight ?? "") || Number(weight) >= 600;
}

function wrapInside(one, name) {
  const inner = one.ownerDocument.createElement(name);
  inner.append(...one.childNodes);
  one.append(inner);
}

// Mail programs and search pages wrap addresses to count clicks.
function straighten(link) {
  try {
    const url = new URL(link.getAttribute("href"));
    const isWrapped = /(?:^|\.)safelinks\.protection\.outlook\.com$/.test(url.hostname) || (/(?:^|\.)google\.[a-z.]+$/.test(url.hostname) && url.pathname === "/url");
    const real = isWrapped && (url.searchParams.get("url") ?? url.searchParams.get("q"));
    if (real && /^https?:/.test(real)) link.setAttribute("href", real);
  } catch {
    // not an address at all: the surface will not take it
  }
}

function flatten(body) {
  for (const one of [...body.querySelectorAll("*")].reverse()) {
    if (one.nodeName === "BR") one.replaceWith(" ");
    else if (BLOCK.test(one.nodeName)) {
      one.before(" ");
      one.after(" ");
      unwrap(one);
    }
  }
}

function lines(pre) {
  const holder = pre.ownerDocument.createDocumentFragment();
  for (const line of pre.textContent.split("\n")) {
    const paragraph = pre.ownerDocument.createElement("p");
    paragraph.textContent = line;
    holder.append(paragraph);
  }
  pre.replaceWith(holder);
}

// A table that only places things on a page or in a mail is no table.
function layoutTable(table) {
  const cells = [...table.querySelectorAll("td, th")];
  const holdsTable = table.querySelector("table") !== null;
  if (!holdsTable && cells.length > 1 && table.getAttribute("role") !== "presentation") return;
  const inside = table.ownerDocument.createDocumentFragment();
  for (const cell of cells.filter((one) => one.closest("table") === table)) {
    const box = table.ownerDocument.createElement("div");
    box.append(...cell.childNodes);
    inside.append(box);
  }
  table.replaceWith(inside);
}

// Cells of one line each in full rows, under a block that holds the caption.
function evenTable(table) {
  const page = table.ownerDocument;
  const grid = [];
  [...table.rows].forEach((row, y) => {
    grid[y] ??= [];
    for (const cell of row.cells) {
      let x = 0;
      while (grid[y][x]) x += 1;
      const wide = Math.min(Math.max(cell.colSpan, 1), 50);
      const high = Math.min(Math.max(cell.rowSpan, 1), table.rows.length - y);
      for (let down = 0; down < high; down += 1) {
        for (let across = 0; across < wide; across += 1) {
          (grid[y + down] ??= [])[x + across] = down || across ? page.createElement(cell.nodeName) : cell;
        }
      }
    }
  });
  const width = Math.max(0, ...grid.map((row) => row.length));
  const block = page.createElement("div");
  const caption = page.createElement("p");
  const even = page.createElement("table");
  block.dataset.table = "";
  caption.dataset.caption = "";
  const ours = table.parentElement.closest("[data-table]"); // from another surface of this page
  const said = table.caption ?? ours?.querySelector("[data-caption]");
  if (said) {
    oneLine(said);
    caption.append(...said.childNodes);
  }
  grid.forEach((row, y) => {
    const made = page.createElement("tr");
    const isHead = table.rows[y].parentElement.nodeName === "THEAD";
    for (let x = 0; x < width; x += 1) {
      const cell = page.createElement(isHead ? "th" : (row[x]?.nodeName ?? "td"));
      if (row[x]) {
        oneLine(row[x]);
        cell.append(...row[x].childNodes);
      }
      made.append(cell);
    }
    if (width) even.append(made);
  });
  if (!even.rows.length) {
    table.remove();
    return;
  }
  block.append(caption, even);
  (ours ?? table).replaceWith(block);
  rise(block);
}

// A paragraph, an item or a quote holds no table: it goes after the block it stands in.
function rise(block) {
  const boxes = "p, li, ul, ol, blockquote, aside, footer";
  let outer = block.parentElement.closest(boxes);
  while (outer?.parentElement.closest(boxes)) outer = outer.parentElement.closest(boxes);
  outer?.after(block);
}

// Paragraphs in a cell become lines.
function oneLine(cell) {
  for (const one of [...cell.querySelectorAll("*")].reverse()) {
    if (!BLOCK.test(one.nodeName)) continue;
    if (one.previousSibling && hasWords(one)) one.before(page(one).createElement("br"));
    if (one.nextSibling && hasWords(one)) one.after(page(one).createElement("br"));
    unwrap(one);
  }
  cell.normalize();
  const isBlank = (node) => node && ((node.nodeType === Node.TEXT_NODE && !node.data.trim()) || node.nodeName === "BR");
  while (isBlank(cell.firstChild)) cell.firstChild.remove();
  while (isBlank(cell.lastChild)) cell.lastChild.remove();
  cell.querySelectorAll("br + br").forEach((one) => {
    if (one.previousSibling?.nodeName === "BR") one.remove();
  });
}

// Two line breaks in a row are what mail programs mean by a new paragraph.
function splitAtBreaks(box) {
  if (![...box.children].some((one) => one.nodeName === "BR")) return;
  if (box.nodeName === "P" && box.dataset.caption !== undefined) return;
  const groups = [[]];
  let breaks = [];
  for (const node of [...box.childNodes]) {
    if (node.nodeName === "BR") breaks.push(node);
    else if (breaks.length && node.nodeType === Node.TEXT_NODE && !node.data.trim() && node.data !== "\u00a0") continue;
    else {
      if (breaks.length > 1) groups.push([]);
      else groups.at(-1).push(...breaks);
      breaks = [];
      groups.at(-1).push(node);
    }
  }
  const filled = groups.filter((group) => group.length);
  if (box.nodeName === "P" && filled.length > 1) {
    box.replaceWith(...filled.map((group) => paragraph(box, group)));
  } else if (box.nodeName === "P") {
    box.replaceChildren(...(filled[0] ?? []));
  } else {
    box.replaceChildren(...filled.flatMap((group) => (group.some(isBlock) ? group : [paragraph(box, group)])));
  }
}

function paragraph(box, nodes) {
  const made = page(box).createElement("p");
  while (nodes[0]?.nodeName === "BR") nodes.shift();
  made.append(...nodes);
  return made;
}

function isBlock(node) {
  return BLOCK.test(node.nodeName);
}

// A quote holds paragraphs, and who says them at the end.
function evenQuote(quote) {
  quote.querySelectorAll("ul, ol, div, blockquote").forEach(unwrap);
  quote.querySelectorAll("h2, h3, li").forEach((one) => rename(one, "p"));
  const footers = [...quote.querySelectorAll("footer, cite")].filter((one) => one.nodeName === "FOOTER" || one.parentElement === quote);
  const [first, ...rest] = footers;
  if (first) {
    rest.forEach((one) => rename(one, "p"));
    const footer = first.nodeName === "FOOTER" ? first : rename(first, "footer");
    footer.querySelectorAll("p").forEach(unwrap);
    quote.append(footer);
  }
}

function dropBlank(block) {
  if (block.dataset.table !== undefined || block.dataset.caption !== undefined || block.closest("td, th")) return;
  if (!hasWords(block)) block.remove();
}

function hasWords(one) {
  return Boolean(one.textContent.trim()) || one.matches(KEPT) || one.querySelector(`${KEPT}, [data-table]`) !== null;
}

function unwrap(one) {
  one.replaceWith(...one.childNodes);
}

function rename(one, name) {
  const made = page(one).createElement(name);
  made.append(...one.childNodes);
  one.replaceWith(made);
  return made;
}

function page(node) {
  return node.ownerDocument;
}
