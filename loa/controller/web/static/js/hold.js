// Buttons that must be held for two seconds, by pointer or Space; letting go earlier does nothing. Who cannot hold
// gets two separate buttons in the same form. Without this script those two come from the server.
"use strict";
(() => {
  const HOLD_MS = 2000;

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-hold]")) event.preventDefault();
    const twice = event.target.closest("[data-twice]");
    if (twice) {
      event.preventDefault();
      const form = twice.form ?? twice.closest("form");
      form.querySelector("[data-first]").hidden = false;
      form.querySelector("[data-hold]").hidden = true;
      twice.hidden = true;
      form.querySelector("[data-first] button").focus();
    }
    const first = event.target.closest("[data-arm]");
    if (first && document.documentElement.classList.contains("js")) {
      event.preventDefault();
      const second = first.closest("form").querySelector("[data-second]");
      second.hidden = false;
      first.disabled = true;
      second.querySelector("button").focus();
    }
  });

  let held = null;

  const press = (button) => {
    if (held) return;
    button.classList.add("held");
    const word = button.querySelector("[data-word]");
    const still = word.textContent;
    const ends = performance.now() + HOLD_MS;
    const show = () => {
      const left = Math.ceil((ends - performance.now()) / 1000);
      word.textContent = button.dataset.still.replace("{n}", String(Math.max(1, left)));
    };
    show();
    const ticking = window.setInterval(show, 100);
    const timer = window.setTimeout(() => {
      release();
      button.form.requestSubmit(button);
    }, HOLD_MS);
    held = { button, word, still, ticking, timer };
  };

  const release = () => {
    if (!held) return;
    window.clearInterval(held.ticking);
    window.clearTimeout(held.timer);
    held.button.classList.remove("held");
    held.word.textContent = held.still;
    held = null;
  };

  const holdOf = (event) => event.target.closest?.("[data-hold]");
  document.addEventListener("pointerdown", (event) => {
    if (holdOf(event) && event.button === 0) press(holdOf(event));
  });
  for (const end of ["pointerup", "pointercancel", "contextmenu"]) document.addEventListener(end, release);
  document.addEventListener("pointerout", (event) => {
    // What moves under a mouse at rest is no reason to let go of a button that is held by key.
    const leaves = held?.button.contains(event.target) && !held.button.contains(event.relatedTarget);
    if (leaves && event.pointerType === "mouse") release();
  });
  window.addEventListener("blur", release);
  document.addEventListener("keydown", (event) => {
    if (holdOf(event) && (event.key === " " || event.key === "Enter")) {
      event.preventDefault();
      if (!event.repeat) press(holdOf(event));
    } else if (held) {
      release();
    }
  });
  document.addEventListener("keyup", release);
})();
