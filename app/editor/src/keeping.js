// Nothing that was written is lost: the text goes to the server by itself and to this browser at
// every change. Saving is still somebody's decision; this only keeps.

import { announce, element } from "./dom.js";
import { localCopy } from "./local-copy.js";
import { time, word } from "./words.js";

const PAUSE = 3000; // without a key
const LEAST = 15000; // between two sendings, and as long as one may have to wait while writing
const RETRIES = [5000, 10000, 20000, 40000, 60000];

/** Keep the text of a form. Returns what others on the page have to know: {onSaved, signedOut}. */
export function keepText(form, surfaces) {
  const copy = localCopy(form, surfaces);
  const saved = [];
  const line = document.getElementById("editor-state");
  const state = { isDirty: false, since: 0, last: 0, sentAt: -LEAST, failures: 0, isSending: false, isOut: false, isLeaving: false };
  let timer;

  const show = (text, isWrong = false, ...more) => {
    line?.replaceChildren(text, ...more);
    line?.classList.toggle("is-wrong", isWrong);
    if (isWrong) announce(text);
  };
  const keptHere = () => word(copy.put() ? "editor.kept" : "editor.kept_nowhere");

  const changed = () => {
    const now = performance.now();
    if (!state.isDirty) state.since = now;
    state.isDirty = true;
    state.last = now;
    copy.put();
    if (!state.isOut && !state.failures) show(word("editor.unsaved"));
    plan();
  };
  const plan = () => {
    clearTimeout(timer);
    if (!form.dataset.autosave || !state.isDirty || state.isSending || state.isOut || state.isLeaving) return;
    const due = state.failures
      ? performance.now() + RETRIES[Math.min(state.failures, RETRIES.length) - 1]
      : Math.max(Math.min(state.last + PAUSE, state.since + LEAST), state.sentAt + LEAST);
    timer = setTimeout(send, Math.max(due - performance.now(), 0));
  };

  async function send({ isLast = false } = {}) {
    clearTimeout(timer);
    if (!form.dataset.autosave || !state.isDirty || state.isSending || state.isLeaving) return;
    Object.assign(state, { isDirty: false, isSending: true, sentAt: performance.now() });
    if (!state.failures) show(word("editor.saving"));
    try {
      const answer = await post(form, form.dataset.autosave, { keepalive: isLast, body: new FormData(form) });
      arrived(answer.saved_at);
    } catch (failure) {
      state.isDirty = true;
      if (failure instanceof SignedOut) out();
      else if (failure instanceof Refused) refused();
      else {
        state.failures += 1;
        show(keptHere(), true);
      }
    }
    state.isSending = false;
    plan();
  }
  const arrived = (moment) => {
    state.failures = 0;
    state.isOut = false;
    if (state.isDirty) return; // written on meanwhile: the copy is newer than what arrived
    copy.settle(moment);
    show(word("editor.saved", { time: time(new Date(moment)) }));
    saved.forEach((tell) => tell());
  };
  const out = () => {
    copy.put();
    if (state.isOut) return;
    state.isOut = true;
    const link = element("a", { href: form.dataset.signIn ?? "/", target: "_blank", rel: "noopener" }, word("editor.sign_in"));
    show(word("editor.signed_out"), true, " ", link);
  };
  const refused = () => {
    copy.put();
    state.failures = RETRIES.length; // the same text would be refused again: ask seldom
    show(word("editor.refused"), true);
  };
  const again = () => {
    if (state.isOut) {
      state.isOut = false;
      state.isDirty = true;
    }
    send();
  };

  for (const surface of surfaces) {
    surface.editor.on("update", () => {
      surface.source.value = surface.html();
      changed();
    });
  }
  form.addEventListener("input", (event) => { if (!event.target.isContentEditable) changed(); });
  form.addEventListener("change", (event) => { if (!event.target.isContentEditable) changed(); });
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    state.isLeaving = true;
    clearTimeout(timer);
    copy.sent();
  });
  window.addEventListener("beforeunload", (event) => {
    if ((state.isDirty || state.isOut) && !state.isLeaving) event.preventDefault();
  });
  window.addEventListener("pageshow", () => { state.isLeaving = false; });
  window.addEventListener("online", again);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) send({ isLast: true });
    else if (state.isOut || state.failures) again();
  });
  copy.offer(() => {
    changed();
    announce(word("editor.copy_taken"));
    surfaces[0]?.editor.view.focus();
  });
  return {
    onSaved: (tell) => saved.push(tell),
    signedOut: out,
  };
}

/** The session has ended. */
export class SignedOut extends Error {}

/** The server has the question and says no. */
export class Refused extends Error {}

/** Send a form's words to an address of ours and read the answer. Raises SignedOut, Refused or what fetch does. */
export async function post(form, url, { body, keepalive = false }) {
  const token = tokenOf(form);
  let answer = await ask(form, url, body, keepalive);
  if (answer.status === 400) {
    if (tokenOf(form) === token) await renewToken(form); // or another question has done it meanwhile
    if (tokenOf(form) !== token) {
      if (body.has("csrf_token")) body.set("csrf_token", tokenOf(form));
      answer = await ask(form, url, body, keepalive);
    }
  }
  if (answer.type === "opaqueredirect" || answer.status === 401) throw new SignedOut();
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429 && answer.status !== 408) throw new Refused();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function ask(form, url, body, keepalive) {
  const headers = { Accept: "application/json", "X-CSRFToken": tokenOf(form) };
  const asked = { method: "POST", headers, body, redirect: "manual", credentials: "same-origin" };
  // A browser lets only so much be sent after the page has gone; the copy here is whole.
  return keepalive ? fetch(url, { ...asked, keepalive }).catch(() => fetch(url, asked)) : fetch(url, asked);
}

// Somebody who has signed in again, in another tab, has a new token. The page itself knows it.
async function renewToken(form) {
  const page = await fetch(form.action, { redirect: "manual", credentials: "same-origin" });
  if (page.type === "opaqueredirect") throw new SignedOut();
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("#editing input[name=csrf_token]");
  if (fresh && form.elements.csrf_token) form.elements.csrf_token.value = fresh.value;
}

function tokenOf(form) {
  return form.elements.csrf_token?.value ?? "";
}
