// A small window by a tool or by the caret: opened, used, and closed back to where one was.

import { element } from "./dom.js";

/** A popup in `frame`: {panel, open, close, isOpen}. `opener` is the tool that shows it, if any. */
export function makePopup(frame, { label, opener = null, onClose = () => {} }) {
  const panel = element("div", { class: "popup", role: "dialog", "aria-label": label, hidden: true });
  frame.append(panel);
  opener?.setAttribute("aria-haspopup", "dialog");
  opener?.setAttribute("aria-expanded", "false");

  const close = (isDone = false) => {
    if (panel.hidden) return;
    panel.hidden = true;
    opener?.setAttribute("aria-expanded", "false");
    onClose(isDone);
  };
  // `anchor` is what it stands under: a rectangle of the window.
  const open = (anchor) => {
    panel.hidden = false;
    opener?.setAttribute("aria-expanded", "true");
    const box = frame.getBoundingClientRect();
    const bar = document.querySelector(".action-bar")?.getBoundingClientRect();
    const below = Math.min(window.innerHeight, bar?.top || Infinity) - anchor.bottom - 8;
    const isAbove = below < 260 && anchor.top > below;
    const left = Math.min(anchor.left - box.left, box.width - panel.offsetWidth);
    panel.style.setProperty("--room", `${Math.max(isAbove ? anchor.top - 8 : below, 200)}px`);
    panel.style.left = `${Math.max(left, 0)}px`;
    panel.style.top = isAbove ? `${anchor.top - box.top - panel.offsetHeight - 4}px` : `${anchor.bottom - box.top + 4}px`;
  };
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!panel.hidden && !panel.contains(event.target) && !opener?.contains(event.target)) close();
  });
  window.addEventListener("resize", () => {
    const left = Math.min(parseFloat(panel.style.left), frame.clientWidth - panel.offsetWidth);
    panel.style.left = `${Math.max(left || 0, 0)}px`;
  });
  panel.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !panel.contains(event.relatedTarget)) close();
  });
  return { panel, open, close, isOpen: () => !panel.hidden };
}

/** A search field over a list one walks with the arrows: {field, list, fill}. */
export function makeChooser({ label, find, row, choose }) {
  const list = element("ul", { class: "chooser__list", role: "listbox", "aria-label": label, id: `chooser-${(makeChooser.count = (makeChooser.count ?? 0) + 1)}` });
  const field = element("input", {
    class: "input chooser__search",
    type: "search",
    autocomplete: "off",
    role: "combobox",
    "aria-label": label,
    "aria-autocomplete": "list",
    "aria-expanded": "true",
    "aria-controls": list.id,
    placeholder: label,
  });
  let found = [];
  let at = 0;
  const show = () => {
    [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
    const item = list.children[at];
    if (item) {
      field.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  };
  const fill = (wanted = "") => {
    field.value = wanted;
    refill();
  };
  const refill = () => {
    found = find(field.value);
    at = 0;
    list.replaceChildren(
      ...found.map((one, index) =>
        element("li", { id: `${list.id}-${index}`, role: "option", class: "chooser__option", onClick: () => choose(one), onPointerdown: (event) => event.preventDefault() }, ...row(one)),
      ),
    );
    show();
  };
  field.addEventListener("input", (event) => {
    event.stopPropagation(); // looking changes nothing
    refill();
  });
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) {
      at = (at + step + found.length) % found.length;
      show();
    } else if (event.key === "Enter") {
      if (found[at]) choose(found[at]);
    } else return;
    event.preventDefault();
  });
  return { field, list, fill };
}
