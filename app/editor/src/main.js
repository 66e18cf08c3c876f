// The editing page: three surfaces over three textareas, and what goes on around them.
// Every template and data attribute it looks for may be missing; then that part is not there.

import { comments, showComments } from "./comments.js";
import { showCounts } from "./counts.js";
import { makeHelp } from "./help.js";
import { keepText } from "./keeping.js";
import { showPresence } from "./presence.js";
import { showPreview } from "./preview.js";
import { makeSurface } from "./surface.js";
import { makeToolbar } from "./toolbar.js";

const form = document.getElementById("editing");
if (form) start(form);

function start(form) {
  const surfaces = [...form.querySelectorAll("[data-editor]")].map((frame) => makeSurface(frame, comments));
  const help = makeHelp();
  surfaces.forEach((surface, index) => {
    const next = surfaces[index + 1];
    Object.assign(surface.act, {
      save: () => form.requestSubmit(),
      help,
      ...(next && { next: () => next.editor.view.focus() }),
    });
    makeToolbar(surface);
  });
  showCounts(surfaces);
  showComments(surfaces);
  const keeper = keepText(form, surfaces);
  showPresence(form, keeper);
  showPreview(form, keeper);
  // The keys work in the other fields, too.
  document.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    if (event.key === "s" && !event.altKey && !event.shiftKey && !event.defaultPrevented) form.requestSubmit();
    else if (event.key === "/" && !event.defaultPrevented) help();
    else return;
    event.preventDefault();
  });
}
