// Buttons that print the page.
"use strict";
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
// A form of choices that is sent as soon as one is made.
document.addEventListener("change", (event) => {
  event.target.closest("[data-send-on-change]")?.requestSubmit();
});
