// Keeps a mailing's page fresh while mails go out; without this file there is a link for it.
// Every part is drawn by the server. One that holds the keyboard's focus is left alone, a hidden
// page asks for nothing, and a server that does not answer is asked ever more seldom.
const mailing = document.getElementById("mailing");
const refresh = document.querySelector("[data-refresh]");
const status = document.querySelector("[data-said]");
const SECONDS = 2;
const LONGEST = 60;
const SAY_EVERY = 30; // seconds between two announcements to those who listen

let pause = SECONDS;
let said = performance.now();
let timer;

function show(html) {
  const drawn = new DOMParser().parseFromString(html, "text/html");
  for (const fresh of drawn.querySelectorAll("[data-live]")) {
    const old = mailing.querySelector(`[data-live="${fresh.dataset.live}"]`);
    if (!old || old.outerHTML === fresh.outerHTML || old.contains(document.activeElement)) continue;
    old.replaceWith(document.adoptNode(fresh));
  }
}

async function look() {
  try {
    const answer = await fetch(mailing.dataset.liveFrom, { headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
    const now = await answer.json();
    if (!now.is_going) {
      location.reload(); // it has ended or was paused: other buttons belong on the page
      return;
    }
    show(now.html);
    if (performance.now() - said > SAY_EVERY * 1000) {
      status.textContent = now.summary;
      said = performance.now();
    }
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
