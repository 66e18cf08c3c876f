// Shows a correction's note as readers will meet it, while it is being written.
const note = document.querySelector("[data-correction]");
const shown = document.querySelector("[data-correction-shown]");

if (note && shown) {
  note.addEventListener("input", () => {
    shown.textContent = note.value.trim().replace(/[ \t\r\n]+/g, " ") || "…";
  });
}
