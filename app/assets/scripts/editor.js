// The editing page: each textarea of HTML becomes a surface one writes on. Figures are chips that
// move and vanish as one piece; gaps are replaced whole; pasted text comes in without its clothes.
// Without this script the textareas are still there and still save.
"use strict";

(() => {
  const words = document.getElementById("editor-words").dataset;
  const figures = [...document.getElementById("editor-figures").content.children];
  const form = document.getElementById("editing");
  const SHOWN_FIGURES = 40;
  const PLACE = "\u200b"; // gives the caret a place after a chip; never saved
  const BLOCKS = { P: "p", DIV: "p", H1: "h2", H2: "h2", H3: "h3", H4: "h3", H5: "h3", H6: "h3", BLOCKQUOTE: "blockquote", UL: "ul", OL: "ol", LI: "li" };
  let changed = false;

  document.execCommand("defaultParagraphSeparator", false, "p");
  document.querySelectorAll("[data-editor]").forEach(setUp);
  form.addEventListener("submit", () => { changed = false; });
  form.addEventListener("input", () => { changed = true; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

  function setUp(frame) {
    const source = frame.querySelector("textarea");
    const inline = frame.dataset.editor === "inline";
    const surface = document.createElement("div");
    surface.id = source.id; // links to the field lead to what can be seen
    source.id = `${source.id}-source`;
    surface.className = `editor__surface editor__surface--${frame.dataset.kind}`;
    surface.contentEditable = "true";
    surface.lang = source.lang;
    surface.spellcheck = true;
    surface.setAttribute("role", "textbox");
    surface.setAttribute("aria-label", frame.dataset.label);
    surface.setAttribute("aria-multiline", String(!inline));
    if (source.hasAttribute("aria-describedby")) {
      surface.setAttribute("aria-describedby", source.getAttribute("aria-describedby"));
    }
    surface.innerHTML = source.value;
    hold(surface);
    source.hidden = true;
    frame.append(surface);
    frame.prepend(toolbar(surface, inline));
    document.querySelector(`label[for="${surface.id}"]`).addEventListener("click", () => surface.focus());
    if (frame.hasAttribute("data-counted")) frame.append(counter(surface));

    surface.addEventListener("beforeinput", takeWholeGap);
    surface.addEventListener("input", () => {
      tidy(surface);
      source.value = written(surface);
    });
    surface.addEventListener("paste", (event) => paste(event, inline));
    surface.addEventListener("drop", (event) => event.preventDefault());
    surface.addEventListener("keydown", (event) => {
      if (inline && event.key === "Enter") event.preventDefault();
    });
    // What the form sends is what the surface shows.
    form.addEventListener("submit", () => { source.value = written(surface); });
  }

  // Writing or deleting anywhere in a gap replaces all of it: half a note would be read as text.
  function takeWholeGap(event) {
    const selection = getSelection();
    if (!selection.isCollapsed || !/^(insert|delete)/.test(event.inputType)) return;
    const gap = gapAround(selection.anchorNode);
    if (!gap) return;
    selection.selectAllChildren(gap);
    if (event.inputType === "insertText") {
      event.preventDefault();
      document.execCommand("insertText", false, event.data);
    }
  }

  function gapAround(node) {
    return (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest("mark[data-gap]");
  }

  // A gap that somebody has written in is their text; the browser's own styling is nobody's.
  function tidy(surface) {
    surface.querySelectorAll("mark[data-gap], span, font").forEach((element) => {
      if (element.matches("mark") && /^\[[^]*\]$/.test(element.textContent.trim())) return;
      const { anchorNode, anchorOffset } = getSelection();
      const isHere = element.contains(anchorNode) && anchorNode !== element;
      element.replaceWith(...element.childNodes);
      if (isHere) getSelection().collapse(anchorNode, anchorOffset);
    });
    hold(surface);
  }

  // Without what only this page has put in: the caret's places, the chips' looks (cleaned on saving).
  function written(surface) {
    return surface.innerHTML.replaceAll(PLACE, "");
  }

  function hold(surface) {
    surface.querySelectorAll("data[data-figure]").forEach((chip) => {
      chip.contentEditable = "false";
      const now = figures.find((figure) => figure.dataset.figure === chip.dataset.figure);
      const isStale = figures.length > 0 && now?.getAttribute("value") !== chip.getAttribute("value");
      const news = now ? `${words.stale} ${now.textContent}` : words.gone;
      chip.title = isStale ? `${chip.dataset.figure}: ${news}` : chip.dataset.figure;
      if (isStale) chip.classList.add("is-stale");
    });
  }

  function counter(surface) {
    const count = document.createElement("p");
    count.className = "editor__count";
    const show = () => { count.textContent = `${surface.textContent.replaceAll(PLACE, "").trim().length} ${words.count}`; };
    surface.addEventListener("input", show);
    show();
    return count;
  }

  function toolbar(surface, inline) {
    const bar = document.createElement("div");
    bar.className = "editor__toolbar";
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", `${words.toolbar}: ${surface.getAttribute("aria-label")}`);
    bar.setAttribute("aria-controls", surface.id);
    if (!inline) {
      const block = () => document.queryCommandValue("formatBlock").toLowerCase();
      const within = (tag) => getSelection().anchorNode?.parentElement?.closest(tag) !== null;
      command(bar, surface, "bold", words.bold);
      command(bar, surface, "italic", words.italic);
      tool(bar, surface, words.heading, () => {
        document.execCommand("formatBlock", false, block() === "h2" ? "p" : "h2");
      }, () => block() === "h2");
      command(bar, surface, "insertUnorderedList", words.list);
      tool(bar, surface, words.quote, () => {
        if (within("blockquote")) document.execCommand("outdent");
        else document.execCommand("formatBlock", false, "blockquote");
      }, () => within("blockquote"));
      tool(bar, surface, words.link, link);
    }
    tool(bar, surface, words.undo, () => document.execCommand("undo"));
    if (figures.length) figureMenu(bar, surface);
    walkByArrows(bar);
    return bar;
  }

  function command(bar, surface, name, label) {
    tool(bar, surface, label, () => document.execCommand(name), () => document.queryCommandState(name))
      .classList.add(`tool--${name.toLowerCase()}`);
  }

  function tool(bar, surface, label, act, isOn) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.textContent = label;
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      if (document.activeElement !== surface) surface.focus();
      act();
      surface.dispatchEvent(new Event("input", { bubbles: true }));
    });
    if (isOn) {
      const show = () => {
        const here = surface.contains(getSelection().anchorNode);
        button.setAttribute("aria-pressed", String(here && isOn()));
      };
      button.setAttribute("aria-pressed", "false");
      document.addEventListener("selectionchange", show);
      surface.addEventListener("input", show);
    }
    bar.append(button);
    return button;
  }

  // A toolbar is one stop for the Tab key; the arrows go from tool to tool.
  function walkByArrows(bar) {
    const tools = [...bar.querySelectorAll(".tool")];
    tools.forEach((one, at) => { one.tabIndex = at ? -1 : 0; });
    bar.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const at = tools.indexOf(event.target);
      if (!step || at < 0) return;
      event.preventDefault();
      const next = tools[(at + step + tools.length) % tools.length];
      tools.forEach((one) => { one.tabIndex = one === next ? 0 : -1; });
      next.focus();
    });
  }

  function figureMenu(bar, surface) {
    const opener = document.createElement("button");
    opener.type = "button";
    opener.className = "tool";
    opener.textContent = words.figure;
    opener.setAttribute("aria-expanded", "false");
    const panel = document.createElement("div");
    panel.className = "figures";
    panel.hidden = true;
    const search = document.createElement("input");
    search.className = "input";
    search.type = "search";
    search.autocomplete = "off";
    search.setAttribute("aria-label", words.figureSearch);
    search.placeholder = words.figureSearch;
    const list = document.createElement("ul");
    list.className = "figures__list";
    panel.append(search, list);

    let range = null;
    const open = (isOpen) => {
      panel.hidden = !isOpen;
      opener.setAttribute("aria-expanded", String(isOpen));
    };
    const insert = (chip) => {
      open(false);
      surface.focus();
      if (range) {
        getSelection().removeAllRanges();
        getSelection().addRange(range);
      }
      // Not by execCommand: it keeps the words and drops the chip, or puts it outside its paragraph.
      const selection = getSelection();
      const place = selection.getRangeAt(0);
      const gap = gapAround(place.startContainer);
      if (gap) place.selectNode(gap);
      place.deleteContents();
      const after = document.createTextNode(PLACE);
      place.insertNode(after);
      place.insertNode(chip.cloneNode(true));
      selection.collapse(after, 1);
      surface.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const fill = () => {
      const wanted = search.value.trim().toLowerCase().replace(/\s+/g, " ");
      const said = (chip) => `${chip.textContent} ${chip.dataset.figure}`.toLowerCase().replace(/\s+/g, " ");
      const found = figures.filter((chip) => said(chip).includes(wanted)).slice(0, SHOWN_FIGURES);
      list.replaceChildren(...found.map((chip) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        const name = document.createElement("small");
        button.type = "button";
        button.className = "figures__figure";
        name.textContent = chip.dataset.figure;
        button.append(`${chip.textContent} `, name);
        button.addEventListener("click", () => insert(chip));
        item.append(button);
        return item;
      }));
    };

    surface.addEventListener("blur", () => {
      const selection = getSelection();
      if (selection.rangeCount && surface.contains(selection.anchorNode)) {
        range = selection.getRangeAt(0).cloneRange();
      }
    });
    opener.addEventListener("click", () => {
      open(panel.hidden);
      if (panel.hidden) return;
      search.value = "";
      fill();
      search.focus();
    });
    search.addEventListener("input", (event) => {
      event.stopPropagation(); // looking changes nothing
      fill();
    });
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        open(false);
        opener.focus();
      } else if (event.key === "Enter" && event.target === search) {
        event.preventDefault();
        list.querySelector("button")?.click();
      }
    });
    bar.append(opener, panel);
  }

  function link() {
    const address = prompt(words.linkAsk, "https://");
    if (address && /^(https?|mailto|tel):/i.test(address)) document.execCommand("createLink", false, address);
  }

  function paste(event, inline) {
    event.preventDefault();
    const rich = event.clipboardData.getData("text/html");
    const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").trim();
    const holder = document.createElement("div");
    if (rich) undress(new DOMParser().parseFromString(rich, "text/html").body, holder, inline);
    else if (inline || !text.includes("\n")) holder.textContent = text.replace(/\s*\n\s*/g, " ");
    else {
      for (const paragraph of text.split(text.includes("\n\n") ? /\n{2,}/ : "\n")) {
        holder.append(element("p", paragraph.replace(/\n/g, " ")));
      }
    }
    holder.querySelectorAll("p, li, h2, h3").forEach((one) => { if (!one.textContent.trim()) one.remove(); });
    holder.querySelectorAll(":scope > li").forEach((item) => {
      const list = item.previousElementSibling;
      if (list?.matches("ul")) list.append(item);
      else item.replaceWith(Object.assign(element("ul"), { innerHTML: item.outerHTML }));
    });
    const blocks = [...holder.children].filter((one) => one.matches("p"));
    const isOne = blocks.length === 1 && holder.children.length === 1;
    document.execCommand("insertHTML", false, isOne ? blocks[0].innerHTML : holder.innerHTML);
  }

  // Keeps what a release can hold: paragraphs, headings, lists, quotes, emphasis, links, figures.
  function undress(from, to, inline) {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        const text = node.data.replace(/[ \t\r\n]+/g, " ");
        if (text.trim() || to.lastChild) to.append(text);
        continue;
      }
      if (node.nodeType !== Node.ELEMENT_NODE || /^(STYLE|SCRIPT|HEAD|TITLE|XML)$/.test(node.tagName)) continue;
      if (/mso-list:\s*ignore/i.test(node.getAttribute("style"))) continue; // Word's drawn bullet
      const kept = keptAs(node, inline);
      if (inline && node.tagName in BLOCKS && to.lastChild) to.append(" ");
      undress(node, kept ?? to, inline);
      if (kept) to.append(kept);
    }
  }

  function keptAs(node, inline) {
    const weight = /(?:^|[;\s])font-weight:\s*(\w+)/.exec(node.getAttribute("style") ?? "")?.[1];
    if (weight === "bold" || weight >= 600) return element("strong");
    if (/^(B|STRONG)$/.test(node.tagName)) return weight ? null : element("strong");
    if (/^(I|EM)$/.test(node.tagName)) return element("em");
    if (node.tagName === "A" && /^(https?|mailto|tel):/i.test(node.getAttribute("href") ?? "")) {
      return Object.assign(element("a"), { href: node.getAttribute("href") });
    }
    if (node.matches("data[data-figure], mark[data-gap]")) return node.cloneNode(false);
    if (inline || !(node.tagName in BLOCKS)) return null;
    if (/mso-list:/i.test(node.getAttribute("style"))) return element("li");
    const isBox = node.tagName === "DIV" && node.querySelector("p, div, ul, ol, h1, h2, h3, blockquote, table");
    return isBox ? null : element(BLOCKS[node.tagName]);
  }

  function element(name, text = "") {
    return Object.assign(document.createElement(name), { textContent: text });
  }
})();
