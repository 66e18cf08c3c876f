// The page of a house template: the draft follows as one types, the wrong line is marked beside the
// wording, and a figure goes in where the caret was. Without this file the buttons do the same.
"use strict";

(() => {
  const form = document.getElementById("template");
  const preview = document.getElementById("live-preview");
  const offered = document.getElementById("live-offered");
  const status = document.getElementById("live-status");
  const sources = [...form.querySelectorAll("textarea[data-source]")];
  const WAIT = 400; // milliseconds after the last key
  let timer = 0;
  let isAsking = false;
  let isStale = false;
  let isOtherRound = false;
  let changed = false;
  let last = sources[0];

  sources.forEach(setUp);
  showButtons();
  form.addEventListener("submit", () => { changed = false; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  form.querySelector("select[name=round]")?.addEventListener("change", () => {
    isOtherRound = true;
    ask();
  });
  offered?.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (button) insert(button.dataset.insert, button.dataset.insertAfter ?? "");
  });

  function setUp(source) {
    const frame = document.createElement("div");
    const lines = document.createElement("div");
    frame.className = "source";
    lines.className = "source__lines";
    lines.setAttribute("aria-hidden", "true");
    source.wrap = "off";
    source.replaceWith(frame);
    frame.append(lines, source);
    source.lines = lines;
    number(source);
    source.addEventListener("focus", () => { last = source; });
    source.addEventListener("scroll", () => { lines.scrollTop = source.scrollTop; });
    source.addEventListener("input", () => {
      changed = true;
      delete source.dataset.line;
      number(source);
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT);
    });
    new ResizeObserver(() => { lines.style.height = `${source.offsetHeight}px`; }).observe(source);
  }

  function number(source) {
    const wrong = Number(source.dataset.line);
    const count = source.value.split("\n").length;
    const rows = Array.from({ length: count }, (_, index) => {
      const row = document.createElement("span");
      row.textContent = index + 1;
      row.classList.toggle("is-wrong", index + 1 === wrong);
      return row;
    });
    source.lines.replaceChildren(...rows);
    source.lines.scrollTop = source.scrollTop;
  }

  // One question at a time: what was typed meanwhile is asked when the answer has come.
  async function ask() {
    if (!form.querySelector("select[name=round]")) return;
    if (isAsking) {
      isStale = true;
      return;
    }
    isAsking = true;
    preview.classList.add("is-waiting");
    const data = new FormData(form);
    if (isOtherRound) data.set("offered", "1");
    isOtherRound = false;
    try {
      const answer = await fetch(form.dataset.live, { method: "POST", body: data, headers: { Accept: "application/json" } });
      if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
    } catch {
      status.textContent = status.dataset.failed;
    }
    preview.classList.remove("is-waiting");
    isAsking = false;
    if (isStale) {
      isStale = false;
      ask();
    }
  }

  function show(answer) {
    preview.innerHTML = answer.preview;
    if (answer.offered && offered) {
      offered.innerHTML = answer.offered;
      showButtons();
    }
    document.querySelector("[data-errors]").replaceChildren();
    sources.forEach((source) => mark(source, answer.problem));
    status.textContent = answer.problem ? answer.problem.sentence : status.dataset.fresh;
  }

  function mark(source, problem) {
    const field = source.closest(".field");
    const isWrong = problem?.part === source.name;
    document.getElementById(`${source.name}-line`)?.remove();
    document.getElementById(`${source.name}-error`)?.remove();
    delete source.dataset.line;
    source.removeAttribute("aria-invalid");
    source.removeAttribute("aria-describedby");
    field.classList.toggle("field--wrong", isWrong);
    if (isWrong) {
      const error = document.createElement("p");
      error.className = "field__error";
      error.id = `${source.name}-error`;
      error.textContent = problem.sentence;
      field.append(error);
      source.setAttribute("aria-invalid", "true");
      source.setAttribute("aria-describedby", error.id);
      if (problem.line) source.dataset.line = problem.line;
    }
    number(source);
  }

  function showButtons() {
    offered?.querySelectorAll("[data-insert]").forEach((button) => { button.hidden = false; });
  }

  // The browser's own insertion keeps undo; what was selected ends up between the two halves.
  function insert(before, after) {
    const { selectionStart: start, selectionEnd: end } = last;
    const chosen = after ? last.value.slice(start, end) : "";
    const text = before + chosen + after;
    last.focus();
    if (!document.execCommand("insertText", false, text)) {
      last.setRangeText(text, start, end, "end");
      last.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (after) last.setSelectionRange(start + before.length, start + before.length + chosen.length);
  }
})();
