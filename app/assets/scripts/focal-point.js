// Shows where the eye should land in each picture, lets one click there, and shows what the crops
// will be. Without this file there are two numbers to write.
const pictures = document.getElementById("media");

const number = (input) => Math.min(100, Math.max(0, Math.round(Number(input.value)) || 0));

function partsOf(element) {
  const card = element.closest(".thing");
  const [x, y] = card.querySelectorAll("[data-focal-set] input[type=number]");
  return { card, x, y, picture: card.querySelector(".focal__picture") };
}

// As releases/media/renditions.py cuts: the point in the middle, or as near as the edges let it.
function position(size, shown, part) {
  const spare = size - shown;
  if (spare <= 0) return 50;
  return (Math.min(Math.max((size * part) / 100 - shown / 2, 0), spare) / spare) * 100;
}

function draw({ card, x, y, picture }) {
  const { naturalWidth: width, naturalHeight: height } = picture;
  if (!width) return;
  const point = card.querySelector(".focal__point");
  point.style.left = `${number(x)}%`;
  point.style.top = `${number(y)}%`;
  point.hidden = false;
  for (const cut of card.querySelectorAll(".focal__cut")) {
    const ratio = cut.classList.contains("focal__cut--lead") ? 16 / 9 : 1;
    const across = Math.min(width, height * ratio);
    const left = position(width, across, number(x));
    const top = position(height, across / ratio, number(y));
    cut.style.objectPosition = `${left}% ${top}%`;
  }
  card.querySelector("[data-crops]").hidden = false;
}

function choose(event) {
  if (!event.target.matches(".focal__picture")) return;
  const parts = partsOf(event.target);
  if (parts.x.matches(":disabled")) return;
  const frame = event.target.getBoundingClientRect();
  parts.x.value = Math.round(((event.clientX - frame.left) / frame.width) * 100);
  parts.y.value = Math.round(((event.clientY - frame.top) / frame.height) * 100);
  parts.x.dispatchEvent(new Event("input", { bubbles: true }));
}

pictures.addEventListener("click", choose);
pictures.addEventListener("input", (event) => {
  if (event.target.closest("[data-focal-set]")) draw(partsOf(event.target));
});
pictures.addEventListener(
  "load",
  (event) => {
    if (event.target.matches(".focal__picture")) draw(partsOf(event.target));
  },
  true,
);
for (const picture of pictures.querySelectorAll(".focal__picture")) {
  if (picture.complete) draw(partsOf(picture));
}
