// The form's fields as plain pairs of name and value: to keep them, compare them and fill them in.

import { read, written } from "./written.js";

const NOT_TEXT = /^(?:csrf_token|base|clash|choice-\d+)$/;

/** What the form would send of the text: [[name, value]]. */
export function fieldsOf(form) {
  return [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !NOT_TEXT.test(name));
}

/** Whether two sets of fields say the same, however their HTML is spelt. */
export function isSame(one, other, surfaces) {
  const told = (fields) => JSON.stringify(fields.map(([name, value]) => [name, even(name, value, surfaces)]));
  return told(one) === told(other);
}

/** Fill a form in with kept fields. */
export function fillIn(form, fields, surfaces) {
  const kept = grouped(fields);
  const places = new Map();
  for (const control of form.elements) {
    if (!control.name || NOT_TEXT.test(control.name)) continue;
    const values = (kept.get(control.name) ?? []).map(([, value]) => value);
    const surface = surfaces.find(({ source }) => source === control);
    if (surface) surface.set(values[0] ?? "");
    else if (control.type === "checkbox" || control.type === "radio") control.checked = values.includes(control.value);
    else {
      const at = places.get(control.name) ?? 0;
      control.value = values[at] ?? "";
      places.set(control.name, at + 1);
    }
  }
}

function even(name, value, surfaces) {
  const surface = surfaces.find(({ part }) => part === name);
  if (!surface) return value.replaceAll("\r\n", "\n").trim();
  return written(read(value, surface.editor.schema, surface.isInline), surface.isInline);
}

function grouped(fields) {
  const groups = new Map();
  for (const field of fields) groups.set(field[0], [...(groups.get(field[0]) ?? []), field]);
  return groups;
}
