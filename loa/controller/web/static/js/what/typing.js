// What is typed: kept in this browser until the server has it, and underlined where the voice will change it.
const FIELDS = ["title", "text", "field", "class", "by"];
const RETRY_MS = 5_000;
const EDGE = "\u0000";

const keyOf = (person, bulletin) => `loa.typed.${person}.${bulletin || "new"}`;

const read = (key) => {
  try {
    return JSON.parse(window.localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
};

export class Typing {
  // `saved(recording)` is called whenever the server has the draft, with the recording in it.
  constructor(form, { words, person, bulletin, saved, time }) {
    this.form = form;
    this.words = words;
    this.person = person;
    this.bulletin = bulletin;
    this.saved = saved;
    this.time = time;
    this.changed = 0;
    this.sent = 0;
    this.known = bulletin();
    form.addEventListener("input", () => this.keep());
    form.addEventListener("change", () => this.keep());
    document.body.addEventListener("htmx:beforeRequest", (event) => {
      if (this.isSave(event)) this.sent = this.changed;
    });
    document.body.addEventListener("htmx:afterRequest", (event) => {
      if (this.isSave(event)) this.answered(event.detail);
    });
    this.restore();
  }

  isSave(event) {
    return event.detail.pathInfo?.requestPath === "/bulletins/draft";
  }

  values() {
    const data = new FormData(this.form);
    return Object.fromEntries(FIELDS.map((name) => [name, String(data.get(name) ?? "")]));
  }

  keep() {
    this.changed += 1;
    const revision = document.getElementById("draft-revision").value;
    const kept = { ...this.values(), revision, at: Date.now() };
    try {
      window.localStorage.setItem(keyOf(this.person, this.bulletin()), JSON.stringify(kept));
    } catch {
      return; // no room: the page still has it
    }
  }

  answered(detail) {
    window.clearTimeout(this.timer);
    const text = detail.xhr?.responseText ?? "";
    if (detail.successful && text.includes("draft-revision")) {
      if (this.sent === this.changed) {
        for (const bulletin of [this.known, this.bulletin()]) window.localStorage.removeItem(keyOf(this.person, bulletin));
      }
      this.known = this.bulletin();
      this.saved(detail.requestConfig.parameters.recording);
      return;
    }
    if (detail.successful) return;
    const place = document.getElementById("saved");
    if (this.changed && place.textContent !== this.words.offlineThen) place.textContent = this.words.kept.replace("{at}", this.time(Date.now()));
    // The browser says when its network is back, not when the server is.
    this.timer = window.setTimeout(() => window.htmx.trigger(this.form, "again"), RETRY_MS);
  }

  restore() {
    const key = keyOf(this.person, this.bulletin());
    const kept = read(key);
    if (!kept) return;
    const now = this.values();
    if (FIELDS.every((name) => kept[name] === now[name])) {
      window.localStorage.removeItem(key);
      return;
    }
    const revision = document.getElementById("draft-revision").value;
    if (kept.revision === revision) this.put(kept);
    else this.offer(kept, key);
  }

  put(kept) {
    for (const name of FIELDS) {
      const field = this.form.elements[name];
      if (field && kept[name]) field.value = kept[name];
    }
    this.keep();
    const again = () => window.htmx.trigger(this.form, "again");
    const text = document.getElementById("text");
    text.dispatchEvent(new Event("input", { bubbles: true }));
    if (document.readyState === "complete") again();
    else window.addEventListener("load", again, { once: true });
  }

  offer(kept, key) {
    const notice = document.getElementById("what-typed").content.cloneNode(true).firstElementChild;
    const title = notice.querySelector("b");
    title.textContent = title.textContent.replace("{at}", this.time(kept.at));
    notice.querySelector("[data-use]").addEventListener("click", () => {
      notice.remove();
      this.put(kept);
    });
    notice.querySelector("[data-away]").addEventListener("click", () => {
      notice.remove();
      window.localStorage.removeItem(key);
    });
    document.getElementById("found").append(notice);
  }
}

// Dots under what the voice will change: the same text lies behind the field, with the marks in it.
export class Underlines {
  constructor(text, reading) {
    this.text = text;
    this.reading = reading;
    this.behind = document.createElement("div");
    this.behind.className = "input behind";
    this.behind.setAttribute("aria-hidden", "true");
    text.before(this.behind);
    text.classList.add("before");
    text.addEventListener("input", () => this.show());
    text.addEventListener("scroll", () => this.follow());
    new ResizeObserver(() => this.follow()).observe(text);
    reading.addEventListener("click", (event) => this.respell(event));
    new MutationObserver(() => this.show()).observe(reading, { childList: true });
    this.show();
  }

  originals() {
    const found = [...this.reading.querySelectorAll("[data-original]")].map((one) => one.textContent);
    return found.sort((one, other) => other.length - one.length);
  }

  show() {
    const originals = this.originals().map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    // The letter before is taken along: phones of 2022 know no lookbehind.
    const whole = new RegExp(`(^|[^\\p{L}\\p{N}])(${originals.join("|")})(?![\\p{L}\\p{N}])`, "gu");
    const marked = originals.length ? this.text.value.replace(whole, `$1${EDGE}$2${EDGE}`) : this.text.value;
    const parts = marked.split(EDGE);
    this.behind.replaceChildren(
      ...parts.map((part, number) => {
        if (number % 2 === 0) return document.createTextNode(part);
        const mark = document.createElement("mark");
        mark.textContent = part;
        return mark;
      }),
      document.createTextNode("\n"),
    );
    this.follow();
  }

  follow() {
    this.behind.scrollTop = this.text.scrollTop;
  }

  // A word is written out as it is read, and chosen, so that it can be mended at once.
  respell(event) {
    const button = event.target.closest("[data-respell]");
    if (!button) return;
    const at = this.text.value.indexOf(button.dataset.respell);
    if (at < 0) return;
    this.text.focus();
    this.text.setRangeText(button.dataset.spoken, at, at + button.dataset.respell.length, "select");
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
