// Keeps a mailing's numbers fresh while it is being sent; without this file there is a link for it.
const mailing = document.getElementById("mailing");
const SECONDS = 2;

function show(now) {
  const left = ["queued", "claimed", "transmitting", "deferred"];
  const settled = now.audience - left.reduce((sum, state) => sum + now.counts[state], 0);
  const bar = mailing.querySelector("progress");
  bar.max = now.audience || 1;
  bar.value = settled;
  bar.textContent = `${settled} / ${now.audience}`;
  mailing.querySelector(".number").textContent = `${settled} / ${now.audience}`;
  for (const cell of document.querySelectorAll("[data-count]")) {
    cell.textContent = now.counts[cell.dataset.count];
  }
  document.querySelector("[data-audience]").textContent = now.audience;
}

async function look() {
  try {
    const answer = await fetch(mailing.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
    const now = await answer.json();
    show(now);
    // Another state means other buttons and perhaps causes: the page is drawn anew.
    if (now.state !== mailing.dataset.state && (now.finished_at || now.state === "paused")) {
      location.reload();
      return;
    }
  } catch {
    mailing.querySelector("[data-refresh]").hidden = false;
    setTimeout(look, 5 * SECONDS * 1000);
    return;
  }
  setTimeout(look, SECONDS * 1000);
}

mailing.querySelector("[data-refresh]").hidden = true;
setTimeout(look, SECONDS * 1000);
