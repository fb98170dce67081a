// Sounds as bars, and the player under them: the bars are a slider for pointer and keys, one button plays.
const SVG = "http://www.w3.org/2000/svg";
const BAR_PX = 3;
const PITCH_PX = 5;
const STEP_S = 5;

export const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return `${hours ? `${hours}:` : ""}${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
};

export const room = (svg) => Math.max(8, Math.floor(svg.clientWidth / PITCH_PX));

// `heights` from 0 to 1, one a bar; bars before `played` (a share of 1) are marked.
export const draw = (svg, heights, played = 0) => {
  const height = svg.clientHeight || 56;
  svg.setAttribute("viewBox", `0 0 ${svg.clientWidth} ${height}`);
  while (svg.childElementCount > heights.length) svg.lastChild.remove();
  while (svg.childElementCount < heights.length) svg.append(document.createElementNS(SVG, "rect"));
  const pitch = svg.clientWidth / heights.length;
  heights.forEach((share, number) => {
    const bar = svg.children[number];
    const tall = Math.max(BAR_PX, Math.round(share * height));
    bar.setAttribute("x", (number * pitch + (pitch - BAR_PX) / 2).toFixed(1));
    bar.setAttribute("y", ((height - tall) / 2).toFixed(1));
    bar.setAttribute("width", String(BAR_PX));
    bar.setAttribute("height", String(tall));
    bar.setAttribute("rx", "1.5");
    bar.classList.toggle("played", number < played * heights.length);
  });
};

// The heights of 400 points as those of so many bars.
const gathered = (points, count) =>
  Array.from({ length: count }, (_, number) => {
    const from = Math.floor((number * points.length) / count);
    const some = points.slice(from, Math.max(from + 1, Math.floor(((number + 1) * points.length) / count)));
    return some.reduce((sum, point) => sum + point, 0) / some.length / 100;
  });

class Player {
  constructor(root) {
    this.root = root;
    this.audio = root.querySelector("audio");
    this.slider = root.querySelector("[data-slider]");
    this.svg = root.querySelector("svg.wave");
    this.toggle = root.querySelector("[data-toggle]");
    this.whole = Number(root.dataset.lengthMs) / 1000;
    this.points = new Array(400).fill(0);
    this.audio.controls = false;
    for (const name of ["timeupdate", "seeked", "play", "pause", "ended"]) {
      this.audio.addEventListener(name, () => this.show());
    }
    this.toggle.addEventListener("click", () => this.turn());
    this.slider.addEventListener("pointerdown", (event) => this.grab(event));
    this.slider.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.show()).observe(this.slider);
    this.show();
    this.load();
    if ("playsNow" in root.dataset) this.audio.play().catch(() => {});
  }

  async load() {
    try {
      const answer = await fetch(this.root.dataset.peaks, { credentials: "same-origin" });
      if (answer.ok) this.points = (await answer.json()).peaks;
    } catch {
      return; // the sound can be heard without its picture
    }
    this.show();
  }

  turn() {
    if (this.audio.paused) this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  seek(seconds) {
    const at = Math.min(Math.max(0, seconds), this.whole);
    this.audio.currentTime = at;
    this.show(at);
  }

  grab(event) {
    const box = this.slider.getBoundingClientRect();
    const move = (where) => this.seek(((where.clientX - box.left) / box.width) * this.whole);
    this.slider.setPointerCapture(event.pointerId);
    move(event);
    this.slider.onpointermove = move;
    this.slider.onpointerup = () => {
      this.slider.onpointermove = null;
    };
    this.slider.onpointercancel = this.slider.onpointerup;
  }

  press(event) {
    const at = this.audio.currentTime;
    const goes = {
      ArrowRight: () => this.seek(at + STEP_S),
      ArrowUp: () => this.seek(at + STEP_S),
      ArrowLeft: () => this.seek(at - STEP_S),
      ArrowDown: () => this.seek(at - STEP_S),
      PageUp: () => this.seek(at + 6 * STEP_S),
      PageDown: () => this.seek(at - 6 * STEP_S),
      Home: () => this.seek(0),
      End: () => this.seek(this.whole),
      " ": () => this.turn(),
      Enter: () => this.turn(),
    }[event.key];
    if (!goes) return;
    event.preventDefault();
    goes();
  }

  show(at = this.audio.currentTime) {
    const words = this.root.dataset;
    const playing = !this.audio.paused && !this.audio.ended;
    draw(this.svg, gathered(this.points, room(this.svg)), this.whole ? at / this.whole : 0);
    this.root.classList.toggle("playing", playing);
    this.toggle.setAttribute("aria-label", playing ? words.pause : words.play);
    this.root.querySelector("[data-time]").textContent = `${clock(at)} / ${clock(this.whole)}`;
    this.slider.setAttribute("aria-valuenow", String(Math.floor(at)));
    this.slider.setAttribute("aria-valuetext", words.at.replace("{at}", clock(at)).replace("{whole}", clock(this.whole)));
  }
}

const known = new WeakSet();

// Brings to life the players that have come into the page.
export const awaken = (root = document) => {
  for (const player of root.querySelectorAll("[data-player]")) {
    if (known.has(player)) continue;
    known.add(player);
    new Player(player);
  }
};
