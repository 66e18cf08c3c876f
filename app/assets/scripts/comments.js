// The page where a text is read and commented on: what is selected can be spoken about, and what has
// been said stands beside its passage. Without this file one quotes the words in the form.
"use strict";

(() => {
  const page = document.querySelector("[data-reading]");
  const article = page?.querySelector("[data-commentable]");
  const form = document.getElementById("comment-form");
  if (!article) return;

  const AROUND = 60; // letters kept on each side of a passage
  const BLOCKS = "p, li, h2, h3, td, th, caption, blockquote, footer, ul, ol, table, tr, div, br";
  const wide = matchMedia("(min-width: 62rem)");
  const list = page.querySelector(".notes") ?? makeList();
  const slot = document.createElement("li"); // where the form stands beside its passage
  let slotTop = 0; // of that passage, on the page
  const notes = [...page.querySelectorAll("[data-note]")];

  markTogether();
  if (form) speakAbout();
  place();
  addEventListener("resize", place);
  addEventListener("load", place);
  page.addEventListener("toggle", place, true);

  // The words of a piece of the page as the server reads them: blocks parted, spaces made one.
  function wordsOf(range) {
    let text = "";
    const walk = (node) => {
      if (node.nodeType === Node.TEXT_NODE) {
        text += node.data.replace(/[ \t\r\n]+/g, " ");
      } else if (!node.matches?.(".block-tool, figure")) {
        const parts = node.matches?.(BLOCKS);
        if (parts) text += "\n";
        node.childNodes.forEach(walk);
        if (parts) text += "\n";
      }
    };
    walk(range.cloneContents());
    return text.replace(/ *\n[\n ]*/g, " ").replace(/ {2,}/g, " ");
  }

  function between(start, end) {
    const range = document.createRange();
    range.setStart(...start);
    range.setEnd(...end);
    return wordsOf(range);
  }

  function speakAbout() {
    const tools = document.getElementById("passage-tools");
    const title = document.getElementById("comment-title");
    const cancel = form.querySelector("[data-cancel]");
    const home = document.createComment("the form's own place");
    const field = (name) => form.elements.namedItem(name);
    let chosen = null;

    document.documentElement.classList.add("has-script");
    page.append(tools);
    form.before(home);
    if (field("passage").value) turn(true, field("suggests")?.checked);
    addBlockTools();

    document.addEventListener("selectionchange", () => {
      if (!tools.contains(document.activeElement)) offer();
    });
    tools.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the selection
    tools.addEventListener("click", (event) => {
      const tool = event.target.closest("[data-tool]");
      if (tool && chosen) begin(chosen, tool.dataset.tool === "suggest");
    });
    tools.addEventListener("keydown", (event) => {
      if (event.key === "Escape") tools.hidden = true;
      const all = [...tools.querySelectorAll("button")];
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    });
    cancel.addEventListener("click", () => {
      ["passage", "part", "words_before", "words_after", "replacement"].forEach((name) => {
        if (field(name)) field(name).value = "";
      });
      turn(false, false);
      home.after(form);
      slot.remove();
      place();
    });

    function offer() {
      const selection = getSelection();
      const range = selection.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0) : null;
      chosen = range && passageOf(range);
      tools.hidden = !chosen;
      if (!chosen) return;
      const box = range.getBoundingClientRect();
      const around = page.getBoundingClientRect();
      tools.style.top = `${box.bottom - around.top + 8}px`;
      const most = around.width - tools.offsetWidth;
      tools.style.left = `${Math.max(0, Math.min(box.left - around.left, most))}px`;
    }

    // Half words help nobody: both ends go on to where their word ends.
    function wholeWords(range) {
      const whole = range.cloneRange();
      const { startContainer: first, endContainer: last } = whole;
      const isWord = (letter) => /[\p{L}\p{N}]/u.test(letter ?? "");
      if (first.nodeType === Node.TEXT_NODE) {
        let at = whole.startOffset;
        while (at > 0 && isWord(first.data[at]) && isWord(first.data[at - 1])) at -= 1;
        whole.setStart(first, at);
      }
      if (last.nodeType === Node.TEXT_NODE) {
        let at = whole.endOffset;
        while (at > 0 && isWord(last.data[at - 1]) && isWord(last.data[at])) at += 1;
        whole.setEnd(last, at);
      }
      return whole;
    }

    function passageOf(selected) {
      const range = wholeWords(selected);
      const inside = range.commonAncestorContainer;
      const part = (inside.nodeType === Node.ELEMENT_NODE ? inside : inside.parentElement)
        .closest("[data-part]");
      const passage = wordsOf(range).trim();
      if (!part || !passage || !article.contains(part)) return null;
      const last = part.childNodes.length;
      return {
        part: part.dataset.part,
        passage,
        words_before: between([part, 0], [range.startContainer, range.startOffset]).slice(-AROUND),
        words_after: between([range.endContainer, range.endOffset], [part, last]).slice(0, AROUND),
        top: range.getBoundingClientRect().top + scrollY,
      };
    }

    function begin(about, suggests) {
      ["part", "passage", "words_before", "words_after"].forEach((name) => {
        field(name).value = about[name];
      });
      if (field("suggests")) field("suggests").checked = suggests;
      if (field("replacement")) field("replacement").value = suggests ? about.passage : "";
      tools.hidden = true;
      turn(true, suggests);
      slotTop = about.top;
      const next = notes.find((note) => topOf(note) > about.top);
      if (next) next.before(slot);
      else if (notes.length) notes[notes.length - 1].after(slot);
      else list.prepend(slot);
      slot.append(form);
      place();
      const at = suggests ? field("replacement") : field("text");
      at.focus();
      if (!wide.matches) form.scrollIntoView({ block: "center" });
      if (suggests) at.setSelectionRange(at.value.length, at.value.length);
    }

    function turn(isPassage, suggests) {
      form.classList.toggle("is-about-passage", isPassage);
      form.classList.toggle("is-suggestion", Boolean(suggests));
      field("passage").readOnly = isPassage;
      cancel.hidden = !isPassage;
      title.textContent = isPassage ? title.dataset.passage : title.dataset.general;
    }

    // By keyboard one goes from paragraph to paragraph.
    function addBlockTools() {
      const template = document.getElementById("block-tool");
      const blocks = [
        ...article.querySelectorAll("[data-part=headline], [data-part=lead]"),
        ...article.querySelectorAll("[data-part=body] :is(p, li, h2, h3)"),
      ];
      blocks.filter((block) => !block.querySelector("p, li")).forEach((block) => {
        const tool = template.content.firstElementChild.cloneNode(true);
        tool.addEventListener("click", () => {
          const range = document.createRange();
          range.selectNodeContents(block);
          const about = passageOf(range);
          if (about) begin(about, false);
        });
        block.append(tool);
      });
    }
  }

  function makeList() {
    const made = document.createElement("ol");
    made.className = "notes";
    form?.before(made);
    return made;
  }

  // The height of a note's passage on the page.
  function topOf(note) {
    if (note === slot) return slotTop;
    const start = document.getElementById(`passage-${note.dataset.note}`)?.nextElementSibling;
    return start ? start.getBoundingClientRect().top + scrollY : 0;
  }

  // Each note at the height of its passage, or below the one before it.
  function place() {
    const placed = [...list.children].filter((one) => one === slot || notes.includes(one));
    placed.forEach((note) => { note.style.marginTop = ""; });
    if (!wide.matches) return;
    const gap = 12;
    for (const note of placed) {
      const lower = topOf(note) - note.getBoundingClientRect().top - scrollY;
      if (lower > 0) note.style.marginTop = `${lower + (note.previousElementSibling ? gap : 0)}px`;
    }
  }

  function markTogether() {
    const marks = [...article.querySelectorAll("mark.passage")];
    const of = (id) => marks.filter((mark) => mark.dataset.comments.split(" ").includes(id));
    const show = (id, isActive) => {
      of(id).forEach((mark) => mark.classList.toggle("is-active", isActive));
    };
    notes.forEach((note) => {
      const id = note.dataset.note;
      [["mouseenter", true], ["mouseleave", false], ["focusin", true], ["focusout", false]]
        .forEach(([name, isActive]) => note.addEventListener(name, () => show(id, isActive)));
    });
    article.addEventListener("click", (event) => {
      const mark = event.target.closest("mark.passage");
      if (!mark || !getSelection().isCollapsed) return;
      notes.forEach((note) => note.classList.remove("is-active"));
      const note = document.getElementById(`comment-${mark.dataset.comments.split(" ")[0]}`);
      note?.classList.add("is-active");
      note?.scrollIntoView({ block: "nearest" });
    });
  }
})();
