// Shows the buttons that copy an address or a code; without this file they stay hidden, and what
// stands in a field of its own (data-copy-instead) is there to be marked and copied by hand.
if (navigator.clipboard) {
  for (const field of document.querySelectorAll("[data-copy-instead]")) field.hidden = true;
  for (const button of document.querySelectorAll("[data-copy]")) {
    const label = button.textContent;
    const status = button.closest("[data-copying]").querySelector("[data-copy-status]");
    button.closest("[hidden]").hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
      } catch {
        return;
      }
      button.textContent = button.dataset.done;
      status.textContent = button.dataset.done;
      setTimeout(() => {
        button.textContent = label;
        status.textContent = "";
      }, 3000);
    });
  }
}
