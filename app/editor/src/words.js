// The page's own words, in the language of whoever writes.

const all = new Map(
  [...document.querySelectorAll("#editor-words")]
    .flatMap((given) => [...given.content.querySelectorAll("[data-key]")])
    .map((one) => [one.dataset.key, one.textContent]),
);

/** The text of a key with its facts filled in. */
export function word(key, facts = {}) {
  return (all.get(key) ?? key).replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
}

/** A number as the page's language writes it. */
export function number(value) {
  return value.toLocaleString(document.documentElement.lang);
}

/** A time of day, with the date when it is not today's. */
export function time(moment) {
  const isToday = moment.toDateString() === new Date().toDateString();
  return moment.toLocaleString(document.documentElement.lang, {
    hour: "2-digit",
    minute: "2-digit",
    ...(isToday ? {} : { day: "numeric", month: "long" }),
  });
}

/** Words as they are compared: every run of spaces, no-break ones too, is one space. */
export function even(text) {
  return text.replace(/\s+/g, " ").trim();
}
