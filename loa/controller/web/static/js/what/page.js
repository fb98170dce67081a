// The step "what" of an announcement: recording, files, typing, and what was left over from last time.
import { Recorder } from "./recorder.js";
import { Sender } from "./sender.js";
import { Typing, Underlines } from "./typing.js";
import { awaken, clock } from "./wave.js";
import { dropParcel, dropTake, hold, newId, parcelsOf, putParcel, soundOf, takesOf, tidy } from "./keep.js";

const byId = (id) => document.getElementById(id);
const form = byId("draft");
const words = byId("what-words").dataset;
const { person } = form.dataset;
const bulletin = () => byId("draft-id").value;

const time = (at) => new Intl.DateTimeFormat("vi-VN", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
const day = (at) => new Intl.DateTimeFormat("vi-VN", { day: "numeric", month: "numeric" }).format(at).replace("-", "/");
const megabytes = (size) =>
  new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(size / 1e6);

// --- a sound on its way ---
const sending = byId("sending");
let current = null;
let goOn = null;
let delivered = [];

const tell = (text) => {
  sending.querySelector("[data-told]").textContent = goOn ? `${text} ${words.then}` : text;
};

const show = (parcel) => (state, facts) => {
  sending.hidden = false;
  sending.querySelector("[data-name]").textContent = parcel.name;
  if (state === "sending") {
    const share = Math.floor((100 * facts.sent) / facts.whole);
    sending.querySelector("progress").value = share;
    sending.querySelector("[data-share]").textContent = `${share}%`;
    parcel.told = words.sent.replace("{done}", megabytes(facts.sent)).replace("{whole}", megabytes(facts.whole));
    tell(parcel.told);
  } else {
    tell(state === "waiting" && parcel.told ? `${parcel.told} ${words.waiting}` : words[state]);
  }
};

const refused = (parcel, error) => {
  if (error.status === 401) {
    tell(words.signedOut);
    return;
  }
  sending.hidden = true;
  const text = error.code === "too_large" ? words.tooLarge : words.refused.replace("{code}", error.code);
  wrong(text);
  if (parcel.origin !== "recorded") dropParcel(parcel.id).catch(() => {});
};

const wrong = (text) => {
  const told = document.createElement("p");
  told.id = "file-wrong";
  told.className = "wrong-text";
  told.textContent = text;
  byId("sound-part").replaceChildren(told);
  goOn = null;
};

const arrived = async (parcel, text) => {
  sending.hidden = true;
  byId("sound-part").innerHTML = text;
  const sound = byId("sound-part").querySelector("[data-sound]");
  if (!sound) {
    goOn = null;
    if (parcel.origin !== "recorded") await dropParcel(parcel.id).catch(() => {});
    return;
  }
  byId("draft-recording").value = sound.dataset.sound;
  if (byId("by-text").checked) byId(parcel.origin === "recorded" ? "by-record" : "by-upload").checked = true;
  awaken(byId("sound-part"));
  delivered.push({ parcel, sound: sound.dataset.sound });
  window.htmx.trigger(form, "again");
};

const carry = async (parcel, sender) => {
  const note = async () => {
    if (!sender.stopped) await putParcel({ ...parcel, bulletin: bulletin() }).catch(() => {});
  };
  for (;;) {
    const address = await sender.send(parcel, note);
    const answer = new FormData();
    answer.set("csrf", form.elements.csrf.value);
    answer.set("upload", address.split("/").pop());
    try {
      return await sender.finish(answer);
    } catch (error) {
      if (error.status !== 404) throw error;
      parcel.address = "";
    }
  }
};

const deliver = async (parcel) => {
  const release = await hold(`parcel-${parcel.id}`);
  if (!release) return; // another page is at it
  leave();
  const sender = new Sender({ csrf: form.elements.csrf.value, tell: show(parcel) });
  current = { parcel, sender };
  try {
    await arrived(parcel, await carry(parcel, sender));
  } catch (error) {
    if (!sender.stopped) refused(parcel, error);
  } finally {
    if (current?.parcel === parcel) current = null;
    release();
  }
};

// A bulletin has one sound: what is on its way gives way to another.
const leave = () => {
  if (!current) return;
  const { parcel, sender } = current;
  current = null;
  sender.stop();
  sending.hidden = true;
  dropParcel(parcel.id).catch(() => {});
  if (parcel.address) sender.fetch(parcel.address, { method: "DELETE" }).catch(() => {});
};

const pack = async (blob, name, origin) => {
  const parcel = { id: newId(), person, bulletin: bulletin(), at: Date.now(), name, origin, blob, address: "" };
  await putParcel(parcel).catch(() => {}); // no room: it is sent all the same
  return parcel;
};

sending.querySelector("[data-drop]").addEventListener("click", () => {
  goOn = null;
  leave();
});

// --- recording ---
const recorder = new Recorder(byId("recorder"), words, {
  person,
  bulletin,
  done: async (blob, take) => {
    const parcel = await pack(blob, words.take.replace("{at}", time(take.at)), "recorded");
    deliver(parcel);
  },
});

// --- files ---
const choose = async (file) => {
  if (!file) return;
  byId("by-upload").checked = true;
  byId("sound-part").replaceChildren();
  if (file.size > Number(form.dataset.limit)) wrong(words.tooLarge);
  else if (!file.size) wrong(words.empty);
  else deliver(await pack(file, file.name, "upload"));
};

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  choose(file);
  event.target.value = ""; // it goes in pieces, not with the form
});
for (const name of ["dragenter", "dragover"]) {
  form.addEventListener(name, (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    byId("pick").classList.add("dragging");
  });
}
form.addEventListener("dragleave", (event) => {
  if (!form.contains(event.relatedTarget)) byId("pick").classList.remove("dragging");
});
form.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  byId("pick").classList.remove("dragging");
  choose(event.dataTransfer.files[0]);
});

// --- going on waits for the sound and for the network ---
form.addEventListener(
  "submit",
  (event) => {
    const sounds = !byId("by-text").checked && (recorder.active || current);
    if ((!sounds && navigator.onLine) || event.submitter?.value !== "next") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (goOn) return;
    goOn = event.submitter;
    if (!sounds) byId("saved").textContent = words.offlineThen;
    else if (recorder.active) recorder.finish();
    else tell(sending.querySelector("[data-told]").textContent);
  },
  true,
);

const saved = async (recording) => {
  const done = delivered.filter((one) => one.sound === recording);
  delivered = delivered.filter((one) => one.sound !== recording);
  for (const { parcel } of done) await dropParcel(parcel.id).catch(() => {});
  if (goOn && !delivered.length && !current && !recorder.active) {
    const button = goOn;
    goOn = null;
    form.requestSubmit(button);
  }
};

// --- what was left over ---
const offer = (one, { told, blob, use, away }) => {
  const notice = byId("what-found").content.cloneNode(true).firstElementChild;
  const place = notice.querySelector("[data-told]");
  place.textContent = told(place.dataset).replace("{at}", time(one.at)).replace("{day}", day(one.at));
  const audio = new Audio(URL.createObjectURL(blob));
  const hear = notice.querySelector("[data-hear]");
  hear.addEventListener("click", () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()));
  for (const name of ["play", "pause", "ended"]) {
    audio.addEventListener(name, () => {
      hear.classList.toggle("hearing", !audio.paused);
      hear.querySelector("[data-word]").textContent = audio.paused ? words.listen : words.hush;
    });
  }
  notice.querySelector("[data-use]").addEventListener("click", () => {
    audio.pause();
    notice.remove();
    use();
  });
  const drop = notice.querySelector("[data-away]");
  drop.addEventListener("click", () => {
    if (drop.dataset.armed) {
      audio.pause();
      notice.remove();
      away();
      return;
    }
    drop.dataset.armed = "1";
    drop.querySelector("[data-word]").textContent = drop.dataset.again;
  });
  byId("found").append(notice);
};

const offerTake = async (take) => {
  const release = await hold(`take-${take.id}`);
  if (!release) return; // it is being recorded right now in another page
  const blob = await soundOf(take);
  if (!blob.size) {
    await dropTake(take.id);
    return;
  }
  offer(take, {
    told: (said) => said.take.replace("{length}", clock(take.ms / 1000)),
    blob,
    use: async () => {
      const parcel = await pack(blob, words.take.replace("{at}", time(take.at)), "recorded");
      await dropTake(take.id);
      byId("by-record").checked = true;
      deliver(parcel);
    },
    away: () => dropTake(take.id),
  });
};

const offerParcel = (parcel) =>
  offer(parcel, {
    told: (said) => said.file.replace("{name}", parcel.name),
    blob: parcel.blob,
    use: () => deliver(parcel),
    away: () => dropParcel(parcel.id),
  });

const lookBack = async () => {
  await tidy();
  const parcels = await parcelsOf(person);
  const here = parcels.filter((parcel) => parcel.bulletin === bulletin());
  const [next] = here;
  for (const parcel of parcels) if (parcel !== next) offerParcel(parcel);
  for (const take of await takesOf(person)) await offerTake(take);
  if (next) deliver(next);
};

// --- the page ---
byId("offline")?.querySelector("div").replaceChildren(byId("what-offline").content.cloneNode(true));
new Typing(form, { words, person, bulletin, saved, time });
new Underlines(byId("text"), byId("reading"));
document.body.addEventListener("htmx:afterSwap", () => awaken());
awaken();
lookBack().catch(() => {}); // a browser that keeps nothing has nothing left over
