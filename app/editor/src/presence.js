// Who else has the text open, and whether somebody has saved since it was opened here.

import { element } from "./dom.js";
import { post, SignedOut } from "./keeping.js";
import { word } from "./words.js";

const EVERY = 15000;

/** Say it above the text, and ask again as long as the page can be seen. */
export function showPresence(form, keeper) {
  const place = document.getElementById("editor-notices");
  if (!form.dataset.presence || !place) return;
  const who = element("p", { class: "notice notice--info", id: "editor-others", hidden: true });
  const newer = element("p", { class: "notice notice--warning", id: "editor-newer", hidden: true });
  place.append(newer, who);
  let timer;

  const tell = (line, text) => {
    if (line.textContent !== text) line.textContent = text;
    line.hidden = !text;
  };
  const look = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const answer = await post(form, form.dataset.presence, { body: new FormData() });
      const others = answer.others ?? [];
      tell(who, others.length ? word(others.length > 1 ? "editor.other_many" : "editor.other_one", { names: named(others) }) : "");
      const isNewer = answer.head && String(answer.head) !== form.elements.base?.value;
      tell(newer, isNewer ? word("editor.newer", { name: answer.head_by || word("editor.somebody") }) : "");
    } catch (failure) {
      if (failure instanceof SignedOut) keeper.signedOut();
      tell(who, ""); // who was there a while ago may have gone
    }
    timer = setTimeout(look, EVERY);
  };
  document.addEventListener("visibilitychange", look);
  look();
}

function named(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${word("editor.and")} ${names.at(-1)}`;
}
