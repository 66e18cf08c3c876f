// Keeps a mailing's page fresh while mails go out. Every part is drawn by the server; one that holds
// the keyboard's focus is left alone.
import { askWhileItGoes } from "./asking.js";

const mailing = document.getElementById("mailing");
const status = document.querySelector("[data-said]");
const SAY_EVERY = 30; // seconds between two announcements to those who listen

let said = performance.now();

function draw(html) {
  const drawn = new DOMParser().parseFromString(html, "text/html");
  for (const fresh of drawn.querySelectorAll("[data-live]")) {
    const old = mailing.querySelector(`[data-live="${fresh.dataset.live}"]`);
    if (!old || old.outerHTML === fresh.outerHTML || old.contains(document.activeElement)) continue;
    old.replaceWith(document.adoptNode(fresh));
  }
}

function show(now) {
  draw(now.html);
  if (performance.now() - said > SAY_EVERY * 1000) {
    status.textContent = now.summary;
    said = performance.now();
  }
}

askWhileItGoes({
  from: mailing.dataset.liveFrom,
  refresh: document.querySelector("[data-refresh]"),
  seconds: 2,
  longest: 60,
  show,
});
