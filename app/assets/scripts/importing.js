// Shows how far an import is while it runs; without this file there is a link for it. A hidden page
// asks for nothing, and a server that does not answer is asked ever more seldom.
const place = document.getElementById("import");
const bar = place.querySelector("progress");
const label = place.querySelector(".progress__label .number");
const said = place.querySelector("[data-said]");
const refresh = place.querySelector("[data-refresh]");
const SECONDS = 1;
const LONGEST = 30;

let pause = SECONDS;
let timer;

async function look() {
  try {
    const answer = await fetch(place.dataset.from, { headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
    const now = await answer.json();
    if (!now.is_going) {
      location.reload();
      return;
    }
    bar.max = now.total || 1;
    bar.value = now.done;
    label.textContent = `${now.done} / ${now.total}`;
    said.textContent = now.words;
    refresh.hidden = true;
    pause = SECONDS;
  } catch {
    refresh.hidden = false;
    pause = Math.min(LONGEST, pause * 2);
  }
  wait();
}

function wait() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(look, pause * 1000);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) look();
});
refresh.hidden = true;
wait();
