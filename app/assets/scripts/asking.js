// Asks the server again and again how something goes, until it says that it has ended; then the
// page is loaded anew. Without script there is a link for it, `refresh`, which is shown when the
// server does not answer. A hidden page asks for nothing, and a server that does not answer is
// asked ever more seldom: from `seconds` up to `longest`.
export function askWhileItGoes({ from, refresh, seconds, longest, show }) {
  let pause = seconds;
  let timer;

  async function look() {
    try {
      const answer = await fetch(from, { headers: { Accept: "application/json" } });
      if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      if (!now.is_going) {
        location.reload(); // other buttons belong on the page now
        return;
      }
      show(now);
      refresh.hidden = true;
      pause = seconds;
    } catch {
      refresh.hidden = false;
      pause = Math.min(longest, pause * 2);
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
}
