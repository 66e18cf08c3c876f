export function keepText(form, surfaces) {
  let changed = false;
  for (const surface of surfaces) {
    surface.editor.on("update", () => {
      surface.source.value = surface.html();
      changed = true;
    });
  }
  form.addEventListener("submit", () => { changed = false; });
  form.addEventListener("input", () => { changed = true; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  return {};
}
