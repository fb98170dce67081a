// Sends a sound in pieces that the server keeps, in the manner of tus 1.0.0. When the network breaks it waits, asks
// how much has arrived, and goes on from there.
const PIECE_BYTES = 512 * 1024; // below what proxies let through
const STALLED_MS = 20_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;
const UPLOADS = "/api/v1/uploads";

class Refused extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

// Worth another try: nobody answered, or the server could not just now.
class Interrupted extends Error {}

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

export class Sender {
  // `tell(state, facts)`: sending {sent, whole}, waiting, server, preparing.
  constructor({ csrf, tell }) {
    this.csrf = csrf;
    this.tell = tell;
    this.stopped = false;
    this.wake = () => {};
    window.addEventListener("online", () => this.wake());
  }

  // Resolves with the address of the upload once all of it has arrived; `note` is called with the address before.
  // Raises Refused, with the status and code of the problem.
  async send(parcel, note) {
    return this.patiently(async () => {
      parcel.address ||= await this.begin(parcel);
      await note(parcel);
      try {
        await this.fill(parcel);
      } catch (error) {
        if (error.status !== 404) throw error;
        parcel.address = "";
        throw new Interrupted();
      }
      return parcel.address;
    });
  }

  // The answer of the page to an upload that has arrived, as text. Raises Refused with 404 when it is gone.
  async finish(form) {
    return this.patiently(async () => {
      this.tell("preparing");
      const answer = await this.fetch("/bulletins/sound", { method: "POST", body: form });
      return answer.text();
    });
  }

  stop() {
    this.stopped = true;
    this.request?.abort();
    this.wake();
  }

  async patiently(work) {
    let wait = FIRST_WAIT_MS;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Interrupted) || this.stopped) throw error;
        this.tell(error.message === "server" ? "server" : "waiting");
        await this.pause(wait);
        wait = this.moved ? FIRST_WAIT_MS : Math.min(2 * wait, LONGEST_WAIT_MS);
        this.moved = false;
      }
    }
  }

  pause(wait) {
    return new Promise((resolve) => {
      const timer = window.setTimeout(resolve, wait);
      this.wake = () => {
        window.clearTimeout(timer);
        resolve();
      };
    });
  }

  async begin(parcel) {
    const facts = { filename: parcel.name, origin: parcel.origin };
    const metadata = Object.entries(facts).map(([key, value]) => `${key} ${base64(value)}`).join(",");
    const headers = { "Upload-Length": String(parcel.blob.size), "Upload-Metadata": metadata };
    const answer = await this.fetch(UPLOADS, { method: "POST", headers });
    return answer.headers.get("location");
  }

  async fill(parcel) {
    let offset = await this.offset(parcel.address);
    this.tell("sending", { sent: offset, whole: parcel.blob.size });
    while (offset < parcel.blob.size) {
      const piece = parcel.blob.slice(offset, offset + PIECE_BYTES);
      const status = await this.put(parcel, piece, offset);
      if (status === 409) offset = await this.offset(parcel.address);
      else offset += piece.size;
      this.moved = true;
      this.tell("sending", { sent: offset, whole: parcel.blob.size });
    }
  }

  async offset(address) {
    const answer = await this.fetch(address, { method: "HEAD" });
    return Number(answer.headers.get("upload-offset"));
  }

  async fetch(address, options) {
    const headers = { "X-CSRF-Token": this.csrf, "Tus-Resumable": "1.0.0", ...options.headers };
    let answer;
    try {
      answer = await window.fetch(address, { ...options, headers, credentials: "same-origin", redirect: "manual" });
    } catch {
      throw new Interrupted("network");
    }
    return Sender.judged(answer.status, answer, async () => (await answer.json()).code);
  }

  static async judged(status, answer, code) {
    if (status === 0 || status === 303) throw new Refused(401, "not_signed_in");
    if (status >= 500 || status === 429) throw new Interrupted("server");
    if (status >= 400 && status !== 422) throw new Refused(status, await code().catch(() => String(status)));
    if (status === 422 && !answer.headers.get("content-type")?.startsWith("text/html")) {
      throw new Refused(status, await code().catch(() => String(status)));
    }
    return answer;
  }

  // One piece; with a request that tells how far it is. Resolves with 204, or with 409 for another offset.
  put(parcel, piece, offset) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.request = request;
      let stalled = 0;
      const watch = () => {
        window.clearTimeout(stalled);
        stalled = window.setTimeout(() => request.abort(), STALLED_MS);
      };
      const ended = (act) => () => {
        window.clearTimeout(stalled);
        act();
      };
      request.open("PATCH", parcel.address);
      request.setRequestHeader("X-CSRF-Token", this.csrf);
      request.setRequestHeader("Tus-Resumable", "1.0.0");
      request.setRequestHeader("Upload-Offset", String(offset));
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.upload.onprogress = (event) => {
        watch();
        this.tell("sending", { sent: offset + Math.min(event.loaded, piece.size), whole: parcel.blob.size });
      };
      request.onload = ended(() => {
        if (request.status < 300 || request.status === 409) resolve(request.status);
        else if (request.status >= 500) reject(new Interrupted("server"));
        else reject(new Refused(request.status, String(request.status)));
      });
      request.onerror = ended(() => reject(new Interrupted("network")));
      request.onabort = request.onerror;
      watch();
      request.send(piece);
    });
  }
}
