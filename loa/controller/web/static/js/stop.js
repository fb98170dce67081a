// STOP. Gesture 1 opens the sheet; gesture 2 is holding its button (hold.js).
// Without this script the button is a link to the same form on a page of its own.
"use strict";
(() => {
  const sheet = document.getElementById("stop-sheet");

  const open = async (link) => {
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      sheet.innerHTML = await answer.text();
    } catch {
      window.location.assign(link.href);
      return;
    }
    window.htmx.process(sheet);
    sheet.showModal();
    sheet.querySelector("h2").focus();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-stop-open]");
    if (link && sheet && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      open(link);
    }
    if (event.target.closest("[data-stop-close]") && sheet.open) {
      event.preventDefault();
      sheet.close();
    }
  });
})();
