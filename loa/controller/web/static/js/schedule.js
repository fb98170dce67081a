// Dragging what is not approved to another time. The form that it fills in is that of the page of moving, which
// does the same for the keyboard and for telephones; without this script nothing is lost but the dragging.
"use strict";
(() => {
  const PX_A_MINUTE = 3;
  const STEP = 5;
  const FAR = 6; // pixels that tell a drag from a click
  const wide = window.matchMedia("(min-width: 900px)");
  const form = document.getElementById("drag-form");
  let drag = null;

  const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

  // Where a block whose top is at `y` would begin, in the column under `x`.
  const target = (x, y) => {
    const heads = [...document.querySelectorAll(".week-table thead th")];
    const column = heads.findIndex((head) => {
      const box = head.getBoundingClientRect();
      return x >= box.left && x < box.right;
    });
    if (column < 0) return null;
    for (const row of document.querySelectorAll(".week-table tbody tr")) {
      const box = row.getBoundingClientRect();
      if (y < box.top || y >= box.bottom) continue;
      const from = Number(row.dataset.from);
      if (row.classList.contains("fold")) return { row, column, minute: from, fold: true };
      const asked = from + Math.round((y - box.top) / PX_A_MINUTE / STEP) * STEP;
      return { row, column, minute: Math.min(asked, 24 * 60 - STEP), fold: false };
    }
    return null;
  };

  const days = () => [...document.querySelectorAll(".week-table tr.band")][0]?.querySelectorAll("td[data-day]") ?? [];
  const headOf = (column) => document.querySelectorAll(".week-table thead th")[column].textContent.trim();

  const begin = (event) => {
    const block = event.target.closest(".slot[data-move]");
    if (!block || !form || !wide.matches || event.button !== 0) return;
    const box = block.getBoundingClientRect();
    drag = { block, x: event.clientX, y: event.clientY, dx: event.clientX - box.left, dy: event.clientY - box.top, box, ghost: null };
  };

  // Only now is the pointer held: a mere click must reach the link.
  const lift = (event) => {
    drag.block.setPointerCapture(event.pointerId);
    drag.ghost = drag.block.cloneNode(true);
    drag.ghost.classList.add("dragged");
    drag.ghost.style.width = `${drag.box.width}px`;
    drag.word = document.createElement("div");
    drag.word.className = "drag-word";
    document.body.append(drag.ghost, drag.word);
  };

  const move = (event) => {
    if (!drag) return;
    if (!drag.ghost) {
      if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR) return;
      lift(event);
    }
    const left = event.clientX - drag.dx;
    const top = event.clientY - drag.dy;
    Object.assign(drag.ghost.style, { left: `${left}px`, top: `${top}px` });
    Object.assign(drag.word.style, { left: `${left}px`, top: `${top - 36}px` });
    drag.to = target(event.clientX, top);
    document.querySelector(".drop-here")?.classList.remove("drop-here");
    if (drag.to?.fold) drag.to.row.classList.add("drop-here");
    drag.word.hidden = !drag.to;
    if (!drag.to) return;
    const words = drag.to.fold ? form.dataset.pick : form.dataset.to;
    drag.word.textContent = words.replace("{time}", clock(drag.to.minute)).replace("{day}", headOf(drag.to.column));
  };

  const drop = () => {
    const { block, to } = drag;
    const day = days()[to.column].dataset.day;
    if (to.fold) {
      const address = new URL(block.querySelector("a").href);
      address.searchParams.set("to", `${day}T${clock(to.minute)}`);
      window.location.assign(address);
      return;
    }
    form.action = `/schedule/move/${block.dataset.move}`;
    form.elements.revision.value = block.dataset.revision;
    form.elements.was.value = block.dataset.was;
    form.elements.date.value = day;
    form.elements.time.value = clock(to.minute);
    form.submit();
  };

  const end = (event) => {
    if (!drag) return;
    const moved = drag.ghost !== null;
    drag.ghost?.remove();
    drag.word?.remove();
    document.querySelector(".drop-here")?.classList.remove("drop-here");
    if (moved) window.addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
    if (moved && event.type === "pointerup" && drag.to) drop();
    drag = null;
  };

  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
  document.addEventListener("dragstart", (event) => {
    if (event.target.closest?.(".slot")) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drag) end(event);
  });

  document.addEventListener("change", (event) => {
    event.target.closest("form[data-goes]")?.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const copy = event.target.closest("[data-copy-from]");
    if (!copy) return;
    navigator.clipboard?.writeText(document.getElementById(copy.dataset.copyFrom).value).then(() => {
      copy.querySelector("[data-word]").textContent = copy.dataset.copied;
    });
  });
})();
