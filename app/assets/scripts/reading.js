// Shows how far a large file is read; without this file there is a link that shows it anew.
const reading = document.getElementById("reading");
const AT_WORK = ["waiting", "reading", "to store", "storing"];
const SECONDS = 1;

async function look() {
  try {
    const answer = await fetch(reading.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
    const now = await answer.json();
    if (!AT_WORK.includes(now.state)) {
      location.reload();
      return;
    }
    const bar = reading.querySelector("progress");
    bar.max = now.all || 1;
    bar.value = now.done;
    bar.textContent = `${now.done} / ${now.all}`;
    reading.querySelector(".number").textContent = `${now.done} / ${now.all}`;
  } catch {
    reading.querySelector("[data-refresh]").hidden = false;
    setTimeout(look, 5 * SECONDS * 1000);
    return;
  }
  setTimeout(look, SECONDS * 1000);
}

reading.querySelector("[data-refresh]").hidden = true;
setTimeout(look, SECONDS * 1000);
