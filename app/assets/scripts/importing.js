// Shows how far an import is while it runs, of a list or of a round.
import { askWhileItGoes } from "./asking.js";

const place = document.getElementById("import");
const bar = place.querySelector("progress");
const label = place.querySelector(".progress__label .number");
const said = place.querySelector("[data-said]");

function show(now) {
  bar.max = now.total || 1;
  bar.value = now.done;
  bar.textContent = `${now.done} / ${now.total}`;
  label.textContent = `${now.done} / ${now.total}`;
  if (said) said.textContent = now.words;
}

askWhileItGoes({
  from: place.dataset.from,
  refresh: place.querySelector("[data-refresh]"),
  seconds: 1,
  longest: 30,
  show,
});
