// The colour picker and the code beside it say the same, whichever of them is used.
const code = document.getElementById("accent");
const picked = document.getElementById("picked");

picked.addEventListener("input", () => {
  code.value = picked.value;
});
code.addEventListener("input", () => {
  if (/^#[0-9a-f]{6}$/i.test(code.value.trim())) picked.value = code.value.trim().toLowerCase();
});
