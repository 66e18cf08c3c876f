// The text in this browser, for a lost line, a closed lid and a mistaken click: one copy a release.

import { element } from "./dom.js";
import { fieldsOf, fillIn, isSame } from "./fields.js";
import { time, word } from "./words.js";

const PREFIX = "pressrum:release:";
const KEPT = 14 * 24 * 3600 * 1000; // of what was sent and never asked for again

/** Keep copies of a form's text: {put, settle, sent, offer}. */
export function localCopy(form, surfaces) {
  const name = form.dataset.release ? PREFIX + form.dataset.release : null;
  let known = seconds(form.dataset.savedAt); // when the server last had what was here
  let earlier = null; // a copy that has been offered and is not decided on

  const write = (copy) => {
    if (!name) return false;
    try {
      localStorage.setItem(name, JSON.stringify(earlier ? { ...copy, earlier } : copy));
      return true;
    } catch {
      return false; // no room, or no leave
    }
  };
  const now = () => ({ fields: fieldsOf(form), base: form.elements.base?.value ?? "", time: new Date().toISOString(), known });
  const remove = () => {
    if (name) attempt(() => localStorage.removeItem(name));
  };

  return {
    /** Whether the text as it stands now is in this browser. */
    put: () => write({ ...now(), isUnsaved: true }),
    /** The server has the text of `moment`; the copy stays, and is no news. */
    settle(moment) {
      known = seconds(moment);
      write({ ...now(), time: moment });
    },
    /** The form is on its way; when it does not arrive, the copy is offered again. */
    sent: () => write({ ...now(), isUnsaved: true, isSent: true }),
    /** Show the notice when the browser knows more than the page; `take` is told when it is taken. */
    offer(take) {
      sweep(name);
      const copies = stored(name);
      const shown = fieldsOf(form);
      const found = copies.find((copy) => isNews(copy, known) && !isSame(copy.fields, shown, surfaces));
      if (!found) {
        remove();
        return;
      }
      earlier = found;
      const done = () => {
        earlier = null;
        notice.remove();
      };
      const notice = ask(found, form, {
        take() {
          done();
          fillIn(form, found.fields, surfaces);
          // It was written on top of that version: saving merges what has come since.
          if (found.base && form.elements.base) form.elements.base.value = found.base;
          take();
        },
        drop() {
          done();
          remove();
        },
      });
    },
  };
}

function ask(copy, form, { take, drop }) {
  const isOther = copy.base && copy.base !== form.elements.base?.value;
  const notice = element(
    "div",
    { class: "notice notice--warning", id: "editor-copy" },
    element("p", {}, word("editor.copy_found", { time: time(new Date(copy.time)) }), isOther ? ` ${word("editor.copy_other")}` : ""),
    element(
      "div",
      { class: "cluster" },
      element("button", { type: "button", class: "button button--small", onClick: take }, word("editor.copy_take")),
      element("button", { type: "button", class: "button button--quiet button--small", onClick: drop }, word("editor.copy_drop")),
    ),
  );
  (document.getElementById("editor-notices") ?? form).prepend(notice);
  return notice;
}

// The newest copy and the one it was laid upon.
function stored(name) {
  const copy = name ? attempt(() => JSON.parse(localStorage.getItem(name))) : null;
  return [copy, copy?.earlier].filter((one) => Array.isArray(one?.fields) && !Number.isNaN(Date.parse(one.time)));
}

// Newer by the clock, or written after the last thing that the server is known to have had.
function isNews(copy, known) {
  if (!copy.isUnsaved) return seconds(copy.time) > known;
  return copy.known === known || seconds(copy.time) > known;
}

function seconds(moment) {
  return Math.floor((Date.parse(moment) || 0) / 1000);
}

// Copies of other releases that were sent long ago have done their work.
function sweep(own) {
  attempt(() => {
    for (const name of Object.keys(localStorage).filter((one) => one.startsWith(PREFIX) && one !== own)) {
      const copy = JSON.parse(localStorage.getItem(name));
      if (copy.isSent && Date.now() - Date.parse(copy.time) > KEPT) localStorage.removeItem(name);
    }
  });
}

function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
