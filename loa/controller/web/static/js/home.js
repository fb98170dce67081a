// The needle and the time left move by the clock of the server; a turn that begins or ends makes the page stale.
"use strict";
(() => {
  const today = document.getElementById("today");
  if (!today) return;
  let ahead = 0;
  let open = false;

  const read = () => {
    const clock = today.querySelector("[data-clock]");
    if (clock) ahead = Number(clock.dataset.clock) - Date.now();
  };
  const now = () => Date.now() + ahead;

  // The frame stands outside of what is asked for anew.
  const frame = () => {
    const clock = today.querySelector("[data-clock]");
    if (!clock) return;
    for (const words of document.querySelectorAll(".bar .now, .bar .brand span span")) words.textContent = clock.dataset.now;
    document.querySelector(".bar .stop")?.classList.toggle("sounding", "sounding" in clock.dataset);
  };

  const needle = () => {
    const ribbon = today.querySelector("[data-knots]");
    if (!ribbon) return;
    const knots = ribbon.dataset.knots.trim().split(" ").map((knot) => knot.split(",").map(Number));
    const at = now();
    const next = Math.min(Math.max(knots.findIndex(([time]) => time > at), 1), knots.length - 1);
    const [[from, x], [to, y]] = [knots[next - 1], knots[next]];
    const share = Math.min(1, Math.max(0, (at - from) / (to - from)));
    ribbon.querySelector("[data-needle]").setAttribute("x", `${x + share * (y - x)}%`);
  };

  const progress = () => {
    const bar = today.querySelector("progress[data-from]");
    if (!bar) return;
    const [from, to] = [Number(bar.dataset.from), Number(bar.dataset.to)];
    bar.value = Math.min(100, Math.max(0, (100 * (now() - from)) / (to - from)));
    const left = today.querySelector("[data-left]");
    const seconds = Math.round((to - now()) / 1000);
    const { over, coarse, minutes, seconds: last } = left.dataset;
    const words = seconds <= 0 ? over : seconds >= 600 ? coarse : seconds >= 60 ? minutes : last;
    left.textContent = words.replace("{m}", String(Math.floor(seconds / 60))).replace("{s}", String(seconds % 60).padStart(2, "\u2007"));
    if (seconds === 0) today.dispatchEvent(new Event("stale"));
  };

  document.body.addEventListener("htmx:beforeSwap", () => {
    open = today.querySelector("#home-past")?.open ?? false;
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    const past = today.querySelector("#home-past");
    if (past && open) past.open = true;
    read();
    needle();
    frame();
  });
  read();
  window.setInterval(progress, 1000);
  window.setInterval(needle, 10_000);
  // Every minute, at a moment of its own, so that many open pages do not ask at once: the clock, and what became due.
  window.setInterval(() => today.dispatchEvent(new Event("stale")), 55_000 + Math.random() * 10_000);
})();
