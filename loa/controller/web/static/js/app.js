// What htmx does not do by itself: the eye of the password, the three states of a tree's boxes, the search in
// it, the notice of a lost connection. Every page works without all of this.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  document.addEventListener("click", (event) => {
    const eye = event.target.closest("[data-show]");
    if (eye) {
      const input = document.getElementById(eye.dataset.show);
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      eye.textContent = shown ? eye.dataset.word : eye.dataset.hide;
      eye.setAttribute("aria-pressed", String(!shown));
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard?.writeText(window.location.href).then(() => {
        copy.querySelector("[data-word]").textContent = copy.dataset.copied;
      });
    }
  });

  // --- the area tree: a box covers what lies below it ---
  const below = (item) => all(":scope ul input[type=checkbox]", item);

  const settle = (tree) => {
    for (const item of all("li", tree).reverse()) {
      const box = item.querySelector(":scope > .branch input");
      const inner = below(item);
      if (!inner.length) continue;
      const chosen = inner.filter((other) => other.checked).length;
      box.checked = chosen === inner.length;
      box.indeterminate = chosen > 0 && !box.checked;
      box.classList.remove("mixed");
    }
  };

  const spread = (tree) => {
    for (const box of all("li > .branch input:checked", tree)) {
      for (const other of below(box.closest("li"))) other.checked = true;
    }
    settle(tree);
  };

  document.addEventListener("change", (event) => {
    const tree = event.target.closest(".tree");
    if (!tree) return;
    for (const other of below(event.target.closest("li"))) other.checked = event.target.checked;
    settle(tree);
  });

  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-tree-search]")) return;
    const sought = plain(event.target.value.trim());
    for (const item of all(".tree li").reverse()) {
      const name = item.querySelector(":scope > .branch .name");
      const own = plain(`${name.textContent} ${name.dataset.full ?? ""}`).includes(sought);
      item.hidden = !(own || all(":scope ul li", item).some((inner) => !inner.hidden));
      const fold = item.querySelector(":scope > details");
      if (fold && sought && !item.hidden && !own) fold.open = true;
      if (own && sought) for (const inner of all(":scope ul li", item)) inner.hidden = false;
    }
  });

  // --- filters are folded on a phone ---
  const wide = window.matchMedia("(min-width: 900px)");
  const fold = () => {
    for (const part of all("[data-narrow-fold]")) {
      part.open = wide.matches;
      part.dataset.folded = "";
    }
  };
  wide.addEventListener("change", fold);
  fold();

  // --- a form waits until what it saves by itself has arrived, or it would overtake its own draft ---
  const busy = new WeakMap();
  const waits = (event) => event.detail.elt.closest?.("form[data-waits]");
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const form = waits(event);
    if (form) busy.set(form, (busy.get(form) ?? 0) + 1);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const form = waits(event);
    if (form) busy.set(form, Math.max(0, (busy.get(form) ?? 0) - 1));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!busy.get(form)) return;
    event.preventDefault();
    const button = event.submitter;
    const again = () => {
      if (busy.get(form)) return;
      window.clearInterval(timer);
      form.requestSubmit(button);
    };
    const timer = window.setInterval(again, 60);
  });

  // --- the connection ---
  const offline = (away) => {
    const notice = document.getElementById("offline");
    if (notice) notice.hidden = !away;
  };
  window.addEventListener("offline", () => offline(true));
  window.addEventListener("online", () => {
    offline(false);
    const draft = document.querySelector("[data-draft]");
    if (draft) window.htmx.trigger(draft, "again");
  });
  document.body.addEventListener("htmx:sendError", (event) => {
    if (!event.target.closest("dialog")) offline(true);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) offline(false);
  });

  const arrive = (root) => all(".tree", root).forEach(spread);
  document.body.addEventListener("htmx:afterSwap", () => {
    arrive(document);
    document.querySelector("#main [data-focus-now]")?.focus();
  });
  arrive(document);
  document.querySelector("[data-focus-now]")?.focus();
})();
