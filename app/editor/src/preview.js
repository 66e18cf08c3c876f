// The release as readers will meet it, beside the text, as of the last time it was kept.

import { element } from "./dom.js";
import { word } from "./words.js";

const LOOKS = [
  ["page", () => word("editor.preview_page")],
  ["phone", () => word("editor.preview_phone")],
  ["mail", () => word("editor.preview_mail")],
  ["text", () => word("editor.preview_text")],
  ["feed", () => word("editor.preview_feed")],
];

/** A button that shows the preview, and tabs for its looks. */
export function showPreview(form, keeper) {
  const side = document.querySelector(".writing__side");
  const more = document.getElementById("editor-more");
  if (!form.dataset.preview || !side || !more) return;
  let look = LOOKS[0][0];
  const frame = element("iframe", { class: "beside__page", id: "editor-preview", title: word("editor.preview_title") });
  const tabs = LOOKS.map(([name, label]) =>
    element("button", { type: "button", class: "beside__tab", role: "tab", id: `editor-preview-${name}`, "aria-controls": frame.id, onClick: () => choose(name) }, label()),
  );
  const list = element("div", { class: "beside__tabs", role: "tablist", "aria-label": word("editor.preview_title") }, ...tabs);
  const beside = element("aside", { class: "beside", hidden: true, "aria-label": word("editor.preview_title") }, list, frame);
  const toggle = element("button", { type: "button", class: "text-button", "aria-expanded": "false", onClick: () => open(beside.hidden) }, word("editor.preview"));

  const show = () => {
    const url = new URL(form.dataset.preview, location.href);
    url.searchParams.set("as", look);
    url.searchParams.set("unsaved", "1");
    frame.dataset.as = look;
    const at = scrolled(frame);
    frame.addEventListener("load", () => scrollTo(frame, at), { once: true });
    // Not by its address: every look would be a step of the back button.
    if (frame.contentWindow && frame.src) frame.contentWindow.location.replace(url);
    else frame.src = url;
  };
  const choose = (name) => {
    look = name;
    tabs.forEach((tab, index) => {
      const isChosen = LOOKS[index][0] === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    });
    if (!beside.hidden) show();
  };
  const open = (isOpen) => {
    beside.hidden = !isOpen;
    toggle.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      show();
      beside.scrollIntoView({ block: "nearest" });
    }
  };
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(event.target);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const tab = tabs[next % tabs.length];
    tab.focus();
    tab.click();
  });
  choose(look);
  side.prepend(beside);
  more.prepend(toggle);
  keeper.onSaved(() => { if (!beside.hidden) show(); });
}

// A page that could not be shown tells nothing of itself.
function scrolled(frame) {
  try {
    return frame.contentWindow?.scrollY ?? 0;
  } catch {
    return 0;
  }
}

function scrollTo(frame, at) {
  try {
    frame.contentWindow?.scrollTo(0, at);
  } catch {
    // it stays where it is
  }
}
