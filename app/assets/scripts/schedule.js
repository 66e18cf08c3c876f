// Says the chosen day and time in words while it is being chosen, and fills in the good times.
// Without this file the words come when the form has been sent.
const form = document.getElementById("schedule");

if (form) {
  const spoken = form.querySelector(".schedule__spoken");
  let asked = 0;

  const say = (text, isWrong) => {
    spoken.hidden = !text;
    spoken.textContent = text;
    spoken.classList.toggle("schedule__spoken--wrong", isWrong);
  };

  const ask = async () => {
    const mine = ++asked;
    const chosen = new FormData(form);
    const query = new URLSearchParams();
    for (const name of ["day", "time", "fold"]) if (chosen.get(name)) query.set(name, chosen.get(name));
    if (!query.has("day") || !query.has("time")) return;
    try {
      const answer = await fetch(`${form.dataset.spoken}?${query}`, { headers: { Accept: "application/json" } });
      if (answer.redirected || !answer.ok) return;
      const told = await answer.json();
      if (mine === asked) say(told.says || told.wrong, Boolean(told.wrong));
    } catch {
      if (mine === asked) say("", false);
    }
  };

  form.addEventListener("change", ask);
  for (const link of form.querySelectorAll("[data-day]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      form.elements.day.value = link.dataset.day;
      form.elements.time.value = link.dataset.time;
      for (const one of form.querySelectorAll('[name="fold"]')) one.checked = false;
      ask();
    });
  }
  ask();
}
