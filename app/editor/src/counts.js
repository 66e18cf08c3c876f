// How long the text is, and how long a headline and a lead are best. Advice, never a hindrance.

import { announce, element } from "./dom.js";
import { even, number, word } from "./words.js";

const HEADLINE = { aim: 40, most: 60 };
const LEAD = { least: 25, most: 50 };
const QUIET = 1500; // milliseconds without a key before it is said

/** Lines under the headline and the lead, and the whole text's count under the body. */
export function showCounts(surfaces) {
  for (const surface of surfaces) {
    const line = element("p", { class: "editor__count" });
    const advise = { headline: headlineAdvice, lead: leadAdvice }[surface.part];
    let said = "";
    let wait;
    const show = () => {
      const text = even(surface.words());
      const { advice, isOver } = advise ? advise(text) : { advice: whole(surfaces), isOver: false };
      line.textContent = advice;
      line.classList.toggle("is-over", isOver);
      clearTimeout(wait);
      wait = setTimeout(() => {
        if (advise && isOver && said !== advice) announce(advice);
        said = isOver ? advice : "";
      }, QUIET);
    };
    // The whole text's count hangs on every surface.
    for (const one of advise ? [surface] : surfaces) one.editor.on("update", show);
    surface.frame.append(line);
    show();
  }
}

function wordsIn(text) {
  return (text.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}’'.,:/-]*/gu) ?? []).length;
}

function characters(n) {
  return n === 1 ? word("editor.count_character") : word("editor.count_characters", { n: number(n) });
}

function words(n) {
  return n === 1 ? word("editor.count_word") : word("editor.count_words", { n: number(n) });
}

function headlineAdvice(text) {
  const n = [...text].length;
  const isOver = n > HEADLINE.most;
  return { advice: `${characters(n)} · ${word(isOver ? "editor.headline_long" : "editor.headline_aim", HEADLINE)}`, isOver };
}

function leadAdvice(text) {
  const n = wordsIn(text);
  const isOver = n > LEAD.most;
  return { advice: `${words(n)} · ${word(isOver ? "editor.lead_long" : "editor.lead_aim", LEAD)}`, isOver };
}

function whole(surfaces) {
  const texts = surfaces.map((surface) => even(surface.words()));
  const sum = (count) => texts.reduce((total, text) => total + count(text), 0);
  return `${word("editor.count_whole")}: ${words(sum(wordsIn))}, ${characters(sum((text) => [...text].length))}`;
}
