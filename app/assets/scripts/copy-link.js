// Shows the button that copies a page's address; without this file it stays hidden.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const label = button.textContent;
    const status = document.querySelector("[data-copy-status]");
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
