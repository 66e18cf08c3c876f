// The editing page: each textarea of HTML becomes a surface one writes on. Figures are chips that
// move and vanish as one piece; pasted text comes in without its clothes. Without this script the
// textareas are still there and still save.
"use strict";

(() => {
  const words = document.getElementById("editor-words").dataset;
  const figures = [...document.getElementById("editor-figures").content.children];
  const form = document.getElementById("editing");
  let changed = false;

  document.querySelectorAll("[data-editor]").forEach(setUp);
  form.addEventListener("submit", () => { changed = false; });
  form.addEventListener("input", () => { changed = true; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

  function setUp(frame) {
    const source = frame.querySelector("textarea");
    const inline = frame.dataset.editor === "inline";
    const surface = document.createElement("div");
    surface.id = `${source.id}-surface`;
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
    document.querySelector(`label[for="${source.id}"]`).addEventListener("click", () => surface.focus());
    document.execCommand("defaultParagraphSeparator", false, "p");

    surface.addEventListener("input", () => {
      freeFilledGaps(surface);
      source.value = surface.innerHTML;
    });
    surface.addEventListener("paste", (event) => paste(event, inline));
    surface.addEventListener("drop", (event) => event.preventDefault());
    surface.addEventListener("keydown", (event) => {
      if (inline && event.key === "Enter") event.preventDefault();
    });
    // Nobody is left holding a chip half selected: what the form sends is what the surface shows.
    form.addEventListener("submit", () => { source.value = surface.innerHTML; });
  }

  // A gap that somebody has written in is their text from then on; the caret stays where it is.
  function freeFilledGaps(surface) {
    surface.querySelectorAll("mark[data-gap]").forEach((gap) => {
      if (/^\[[^]*\]$/.test(gap.textContent.trim())) return;
      const selection = getSelection();
      const { anchorNode, anchorOffset } = selection;
      const isHere = gap.contains(anchorNode) && anchorNode !== gap;
      gap.replaceWith(...gap.childNodes);
      if (isHere) selection.collapse(anchorNode, anchorOffset);
    });
  }

  function hold(surface) {
    surface.querySelectorAll("data[data-figure]").forEach((chip) => {
      chip.contentEditable = "false";
      chip.title = chip.dataset.figure;
    });
  }

  function toolbar(surface, inline) {
    const bar = document.createElement("div");
    bar.className = "editor__toolbar";
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", words.toolbar);
    bar.setAttribute("aria-controls", surface.id);
    if (!inline) {
      tool(bar, surface, words.bold, "B", () => document.execCommand("bold"));
      tool(bar, surface, words.italic, "I", () => document.execCommand("italic"));
      tool(bar, surface, words.heading, "H", () => document.execCommand("formatBlock", false, "h2"));
      tool(bar, surface, words.paragraph, "¶", () => document.execCommand("formatBlock", false, "p"));
      tool(bar, surface, words.list, "•", () => document.execCommand("insertUnorderedList"));
      tool(bar, surface, words.quote, "–", () => document.execCommand("formatBlock", false, "blockquote"));
      tool(bar, surface, words.link, "↗", () => link());
    }
    tool(bar, surface, words.undo, "↶", () => document.execCommand("undo"));
    if (figures.length) bar.append(figureMenu(surface));
    return bar;
  }

  function tool(bar, surface, label, face, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.textContent = face;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => {
      if (document.activeElement !== surface) surface.focus();
      act();
      surface.dispatchEvent(new Event("input", { bubbles: true }));
    });
    bar.append(button);
  }

  function figureMenu(surface) {
    const menu = document.createElement("select");
    menu.className = "input tool";
    menu.setAttribute("aria-label", words.figure);
    menu.append(new Option(words.figure, ""));
    figures.forEach((chip, at) => menu.append(new Option(`${chip.dataset.figure}: ${chip.textContent}`, at)));
    let range = null;
    surface.addEventListener("blur", () => {
      const selection = getSelection();
      if (selection.rangeCount && surface.contains(selection.anchorNode)) range = selection.getRangeAt(0).cloneRange();
    });
    menu.addEventListener("change", () => {
      if (menu.value === "") return;
      const chip = figures[Number(menu.value)].cloneNode(true);
      menu.value = "";
      surface.focus();
      if (range) {
        getSelection().removeAllRanges();
        getSelection().addRange(range);
      }
      document.execCommand("insertHTML", false, chip.outerHTML);
      hold(surface);
      surface.dispatchEvent(new Event("input", { bubbles: true }));
    });
    return menu;
  }

  function link() {
    const address = prompt(words.linkAsk, "https://");
    if (address && /^(https?|mailto|tel):/i.test(address)) document.execCommand("createLink", false, address);
  }

  function paste(event, inline) {
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").trim();
    if (inline) {
      document.execCommand("insertText", false, text.replace(/\s*\n\s*/g, " "));
      return;
    }
    const paragraphs = text.split(/\n{2,}/);
    if (paragraphs.length === 1) {
      document.execCommand("insertText", false, text.replace(/\n/g, " "));
      return;
    }
    const holder = document.createElement("div");
    for (const paragraph of paragraphs) {
      const element = document.createElement("p");
      element.textContent = paragraph.replace(/\n/g, " ");
      holder.append(element);
    }
    document.execCommand("insertHTML", false, holder.innerHTML);
  }
})();
