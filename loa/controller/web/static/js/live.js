// A part of a page that lives: whatever an event tells, it is asked for anew, at most once in two seconds, and once
// more after the last event of a burst, so that what is shown is never older than what was told. Where many pages are
// open the server spreads them, or all would ask in the same moment.
"use strict";
(() => {
  const LEAST_MS = 2000;
  const GATHER_MS = 250;

  for (const part of document.querySelectorAll("[data-live]")) {
    let asked = -LEAST_MS;
    let timer = 0;
    let busy = false;
    let again = false;

    const ask = () => {
      timer = 0;
      if (busy) {
        again = true;
        return;
      }
      asked = performance.now();
      busy = true;
      window.htmx.trigger(part, "fresh");
    };
    const soon = () => {
      if (timer || document.hidden) {
        again = again || document.hidden;
        return;
      }
      const spread = Math.random() * Number(part.querySelector("[data-live-spread]")?.dataset.liveSpread ?? 0);
      timer = window.setTimeout(ask, Math.max(GATHER_MS, asked + LEAST_MS - performance.now()) + spread);
    };
    part.addEventListener("htmx:afterRequest", (event) => {
      if (event.target !== part) return;
      busy = false;
      if (again) {
        again = false;
        soon();
      }
    });
    part.addEventListener("stale", soon);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && again) {
        again = false;
        soon();
      }
    });

    const source = new EventSource(part.dataset.live);
    let broken = false;
    source.onerror = () => {
      broken = true;
    };
    source.onopen = () => {
      if (broken) soon();
      broken = false;
    };
    for (const kind of [...part.dataset.liveKinds.split(" "), "reload"]) source.addEventListener(kind, soon);
    window.addEventListener("pagehide", () => source.close());
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) window.location.reload();
    });
  }
})();
