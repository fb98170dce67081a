// The step "where": shortcuts, search and map work on the boxes of the tree, which are the one field. Without
// this script the boxes and the shortcuts' buttons do it alone.
"use strict";
(() => {
  const form = document.querySelector("form[data-where]");
  if (!form) return;
  const all = (selector, root = form) => [...root.querySelectorAll(selector)];
  const boxes = () => all(".tree input[name=area]");
  const box = (area) => boxes().find((one) => one.value === area);
  const told = (one) => one.dispatchEvent(new Event("change", { bubbles: true }));

  // --- the map shows what the boxes say ---
  const show = () => {
    for (const one of boxes()) {
      for (const part of all(`.map [data-area="${CSS.escape(one.value)}"]`)) {
        part.classList.toggle("chosen", one.checked);
        part.classList.toggle("mixed", one.indeterminate || one.classList.contains("mixed"));
        // over the edges of its neighbours, under the names
        if (one.checked && part.matches("path")) part.parentNode.insertBefore(part, part.parentNode.querySelector("text, a, g"));
      }
    }
  };

  // --- which shortcut stands for what is chosen ---
  const widest = () => boxes().filter((one) => one.checked && !above(one)?.checked).map((one) => one.value);
  const above = (one) => one.closest("ul").closest("li")?.querySelector(":scope > .branch input");
  const press = () => {
    const chosen = widest().sort().join(" ");
    for (const pick of all("button[name=pick]")) {
      const means = pick.value.split(" ").filter(Boolean).sort().join(" ");
      pick.setAttribute("aria-pressed", String(means !== "" && means === chosen));
    }
  };

  form.addEventListener("click", (event) => {
    const pick = event.target.closest("button[name=pick]");
    if (pick) {
      event.preventDefault();
      const wanted = pick.value.split(" ").filter(Boolean);
      for (const one of boxes()) if (one.checked || one.indeterminate) choose(one, false);
      for (const area of wanted) choose(box(area), true);
      told(box(wanted[0]) ?? boxes()[0]);
      return;
    }
    const area = event.target.closest(".map [data-area]")?.dataset.area;
    const one = area && box(area);
    if (one) {
      one.checked = !one.checked;
      told(one);
    }
  });

  const choose = (one, chosen) => {
    if (!one) return;
    one.checked = chosen;
    one.indeterminate = false;
    for (const inner of all(":scope ul input[name=area]", one.closest("li"))) inner.checked = chosen;
  };

  // --- search: Enter must not send the form ---
  const search = form.querySelector("[data-tree-search]");
  const found = document.getElementById("found");
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  document.addEventListener("input", (event) => {
    if (event.target !== search) return;
    const hits = all(".tree li").filter((item) => !item.hidden && !all(":scope ul li", item).some((one) => !one.hidden));
    const words = hits.length ? found.dataset.some.replace("{n}", hits.length) : found.dataset.none;
    found.textContent = search.value.trim() ? words : "";
  });

  // The tree settles its boxes in its own handler of the document, which runs after the form's.
  document.addEventListener("change", (event) => {
    if (!form.contains(event.target)) return;
    show();
    press();
  });
  show();
  press();
})();
