// What this browser keeps until the server has it: pieces of recordings, and files on their way. A closed page,
// a crash or a cut network loses nothing of it.
const NAME = "loa";
const STORES = { takes: { keyPath: "id" }, pieces: { keyPath: ["take", "number"] }, parcels: { keyPath: "id" } };
const KEPT_MS = 30 * 24 * 3600 * 1000;

let opening = null;

const open = () => {
  opening ??= new Promise((resolve, reject) => {
    const request = window.indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const [name, options] of Object.entries(STORES)) request.result.createObjectStore(name, options);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
};

// Runs `work` with the stores; resolves with what its request found once everything is on the disk.
const within = async (names, mode, work) => {
  const db = await open();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(names, mode, { durability: "strict" });
    const request = work(...names.map((name) => transaction.objectStore(name)));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
};

const ofTake = (id) => IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);

export const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const putTake = (take) => within(["takes"], "readwrite", (takes) => takes.put(take));

// A piece and the length of the take with it, in one go.
export const putPiece = (take, number, blob) =>
  within(["takes", "pieces"], "readwrite", (takes, pieces) => {
    takes.put(take);
    return pieces.put({ take: take.id, number, blob });
  });

export const soundOf = async (take) => {
  const pieces = await within(["pieces"], "readonly", (store) => store.getAll(ofTake(take.id)));
  return new Blob(pieces.map((piece) => piece.blob), { type: take.type });
};

export const dropTake = (id) =>
  within(["takes", "pieces"], "readwrite", (takes, pieces) => {
    pieces.delete(ofTake(id));
    return takes.delete(id);
  });

export const putParcel = (parcel) => within(["parcels"], "readwrite", (parcels) => parcels.put(parcel));
export const dropParcel = (id) => within(["parcels"], "readwrite", (parcels) => parcels.delete(id));

const mine = async (store, person) => {
  const all = await within([store], "readonly", (found) => found.getAll());
  return all.filter((one) => one.person === person && Date.now() - one.at < KEPT_MS);
};

export const takesOf = (person) => mine("takes", person);
export const parcelsOf = (person) => mine("parcels", person);

// What is old goes, whoever left it.
export const tidy = async () => {
  const old = (one) => Date.now() - one.at >= KEPT_MS;
  for (const take of (await within(["takes"], "readonly", (all) => all.getAll())).filter(old)) await dropTake(take.id);
  for (const one of (await within(["parcels"], "readonly", (all) => all.getAll())).filter(old)) await dropParcel(one.id);
};

// Holds `name` as long as the page lives, so that another page of the same person leaves it alone. Without locks
// (no https) there is no recording either, and two pages that send the same file only disturb each other.
export const hold = (name) =>
  new Promise((resolve) => {
    if (!navigator.locks) {
      resolve(() => {});
      return;
    }
    navigator.locks.request(`loa-${name}`, { ifAvailable: true }, (lock) => {
      if (!lock) {
        resolve(null);
        return undefined;
      }
      return new Promise((release) => resolve(release));
    });
  });
