// Records from the microphone. Each second of sound is stored in this browser before the next one is recorded.
import { clock, draw, room } from "./wave.js";
import { dropTake, hold, newId, putPiece, putTake } from "./keep.js";

const PIECE_MS = 1000;
const LOOK_MS = 100;
const SAY_EVERY = 20; // looks
const BITS_A_SECOND = 64_000;
const FORMATS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const LOWEST_DB = -60;
const NONE_DB = -50;
const LOW_DB = -30;
const HIGH_DB = -1;
const HIGH_SHARE = 0.75;

const PROBLEMS = {
  NotAllowedError: "what-denied",
  SecurityError: "what-denied",
  NotFoundError: "what-no-microphone",
  OverconstrainedError: "what-no-microphone",
};

export class Recorder {
  // `done(blob, take)` gets the whole; `started()` is told, so that the page can leave what it sounds.
  constructor(root, words, { person, bulletin, done }) {
    this.root = root;
    this.words = words;
    this.person = person;
    this.bulletin = bulletin;
    this.done = done;
    this.part = (name) => root.querySelector(`[data-${name}]`);
    this.audio = new Audio();
    this.reset();
    this.part("record").addEventListener("click", () => this.press());
    this.part("listen").addEventListener("click", () => this.listen());
    this.part("done").addEventListener("click", () => this.finish());
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.show());
    if (!window.isSecureContext || !navigator.mediaDevices) this.refuse("what-insecure", true);
    else if (!window.MediaRecorder) this.refuse("what-too-old", true);
    this.show();
  }

  get active() {
    return this.state !== "idle";
  }

  reset() {
    this.state = "idle";
    this.pieces = [];
    this.bars = [];
    this.loudest = 0;
    this.looks = 0;
    this.ms = 0;
    this.take = null;
    this.writing = Promise.resolve();
  }

  press() {
    this.audio.pause();
    if (this.state === "recording") this.pause();
    else if (this.state === "paused") this.resume();
    else if (this.state === "idle") this.start();
  }

  async start() {
    this.state = "asking";
    this.part("not").hidden = true;
    try {
      const wanted = { channelCount: 1, echoCancellation: false, noiseSuppression: true, autoGainControl: true };
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      this.state = "idle";
      this.refuse(PROBLEMS[error.name] ?? "what-busy", false);
      return;
    }
    this.record();
    await this.keepAwake();
  }

  record() {
    const type = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
    this.recorder = new MediaRecorder(this.stream, { mimeType: type, audioBitsPerSecond: BITS_A_SECOND });
    this.take = {
      id: newId(),
      person: this.person,
      bulletin: this.bulletin(),
      at: Date.now(),
      ms: 0,
      type: this.recorder.mimeType,
    };
    this.store(() => putTake(this.take));
    this.released = hold(`take-${this.take.id}`);
    this.recorder.ondataavailable = (event) => this.arrive(event.data);
    this.recorder.onstop = () => this.stopped();
    this.recorder.start(PIECE_MS);
    this.state = "recording";
    this.since = performance.now();
    this.watch();
    this.show();
  }

  arrive(blob) {
    if (!blob.size) return;
    const number = this.pieces.push(blob);
    const take = { ...this.take, bulletin: this.bulletin(), ms: this.length() };
    this.store(() => putPiece(take, number, blob));
  }

  // One after the other; a browser that keeps nothing says so and records on.
  store(act) {
    this.writing = this.writing.then(act).catch(() => {
      this.unkept = true;
      this.say(this.words.notKept);
    });
  }

  length() {
    return this.ms + (this.state === "recording" ? performance.now() - this.since : 0);
  }

  pause() {
    this.ms = this.length();
    this.state = "paused";
    this.recorder.pause();
    this.recorder.requestData();
    this.say(this.words.levelPaused);
    this.show();
  }

  resume() {
    this.since = performance.now();
    this.state = "recording";
    this.recorder.resume();
    this.show();
  }

  async listen() {
    if (!this.audio.paused) {
      this.audio.pause();
      return;
    }
    if (this.state === "recording") {
      const flushed = new Promise((resolve) => this.recorder.addEventListener("dataavailable", resolve, { once: true }));
      this.pause();
      await flushed;
    }
    if (this.audio.src) URL.revokeObjectURL(this.audio.src);
    this.audio.src = URL.createObjectURL(new Blob(this.pieces, { type: this.take.type }));
    await this.audio.play().catch(() => {});
  }

  finish() {
    this.audio.pause();
    this.asked = true;
    this.ms = this.length();
    if (this.recorder.state === "inactive") this.handOver();
    else this.recorder.stop();
  }

  stopped() {
    this.ms = this.length();
    this.state = "ended";
    this.unwatch();
    for (const track of this.stream.getTracks()) track.stop();
    if (this.asked) {
      this.handOver();
      return;
    }
    this.say(this.words.levelEnded);
    this.show();
  }

  async handOver() {
    const { take, pieces, released } = this;
    await this.writing;
    this.asked = false;
    this.reset();
    this.say(this.words.levelStart);
    this.show();
    await this.done(new Blob(pieces, { type: take.type }), take);
    await dropTake(take.id).catch(() => {});
    (await released)?.();
  }

  async keepAwake() {
    try {
      await navigator.storage?.persist?.();
      this.awake = await navigator.wakeLock?.request("screen");
    } catch {
      this.awake = null; // the screen may go dark, the recording goes on
    }
  }

  watch() {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 4096;
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.watching = window.setInterval(() => {
      if (this.state !== "recording") return;
      analyser.getFloatTimeDomainData(samples);
      this.look(samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0));
    }, LOOK_MS);
  }

  unwatch() {
    window.clearInterval(this.watching);
    this.context?.close();
    this.awake?.release().catch(() => {});
  }

  look(peak) {
    const level = peak > 0 ? 20 * Math.log10(peak) : LOWEST_DB;
    this.bars.push(Math.min(1, peak));
    this.loudest = Math.max(this.loudest, peak);
    this.looks += 1;
    this.light(Math.max(0, 1 - level / LOWEST_DB));
    this.part("clock").textContent = clock(this.length() / 1000);
    this.picture();
    if (this.looks % SAY_EVERY === 0) this.judge();
  }

  light(share) {
    const cells = [...this.part("meter").children];
    cells.forEach((cell, number) => {
      const at = (number + 1) / cells.length;
      cell.className = at <= share ? (at > HIGH_SHARE + 0.2 ? "bad" : at > HIGH_SHARE ? "warn" : "ok") : "";
    });
  }

  picture() {
    const svg = this.part("live");
    const count = room(svg);
    const last = this.bars.slice(-count);
    draw(svg, [...new Array(Math.max(0, count - last.length)).fill(0), ...last]);
  }

  judge() {
    const level = this.loudest > 0 ? 20 * Math.log10(this.loudest) : LOWEST_DB;
    this.loudest = 0;
    if (this.unkept) return;
    if (level < NONE_DB) this.say(this.words.levelNone);
    else if (level < LOW_DB) this.say(this.words.levelLow);
    else this.say(level > HIGH_DB ? this.words.levelHigh : this.words.levelGood);
  }

  say(text) {
    const place = this.part("level");
    if (place.textContent !== text) place.textContent = text;
  }

  refuse(name, forGood) {
    const place = this.part("not");
    place.replaceChildren(document.getElementById(name).content.cloneNode(true));
    place.hidden = false;
    if (forGood) this.part("works").hidden = true;
    this.show();
  }

  show() {
    const { state, words } = this;
    this.root.dataset.now = state;
    this.root.classList.toggle("hearing", !this.audio.paused);
    for (const badge of this.root.querySelectorAll("[data-state]")) badge.hidden = badge.dataset.state !== state;
    const record = this.part("record");
    record.hidden = state === "ended";
    record.querySelector("[data-word]").textContent =
      state === "recording" ? words.pause : state === "paused" ? words.resume : words.record;
    const listen = this.part("listen");
    listen.querySelector("[data-word]").textContent = this.audio.paused ? words.listen : words.hush;
    const has = ["recording", "paused", "ended"].includes(state);
    listen.hidden = this.part("done").hidden = !has;
    this.part("clock").textContent = clock(this.length() / 1000);
    if (state !== "recording") this.light(0);
    if (state === "idle") draw(this.part("live"), []);
  }
}
