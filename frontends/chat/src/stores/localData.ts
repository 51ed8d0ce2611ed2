// The browser's own storage, behind functions that never throw: a private window or a full disk must not cost a
// person their words on the screen. What is kept is one person's: a page that holds another one's words writes nothing.

const OWNER = "taifas.owner";
const OWN_PREFIX = "taifas.";

/** Whose words this page holds: what stood in the storage when it was loaded, then whoever signed in. */
let holder = readLocal(OWNER);

export function readLocal(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function writeLocal(key: string, value: string | null): void {
  // Another tab signed out, or another person in: these words are nobody's any more.
  if (readLocal(OWNER) !== holder) return;
  put(key, value);
}

function put(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Kept in memory only, for this page.
  }
}

export function readLocalJson<T>(key: string, fallback: T): T {
  try {
    return (JSON.parse(readLocal(key) ?? "null") as T | null) ?? fallback;
  } catch {
    return fallback;
  }
}

const DATABASE = "taifas";
const STORE = "outbox";

let opened: Promise<IDBDatabase | null> | null = null;

function database(): Promise<IDBDatabase | null> {
  opened ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
      request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return opened;
}

/** What `work` asked for, once it is durable; null without a database. */
async function withStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
  const db = await database();
  if (!db) return null;
  return new Promise((resolve) => {
    try {
      const transaction = db.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

interface Kept {
  id: string;
  /** Whose it is. */
  by?: string | null;
}

/** Records this tab knows to have been stored: only these can be missed. */
const known = new Set<string>();
let left = false;

/** The records of whoever this page belongs to; what another person's tab wrote too late is removed. */
export async function storedRecords<T extends Kept>(): Promise<T[]> {
  const all = ((await withStore("readonly", (store) => store.getAll())) ?? []) as T[];
  const rightful = holder !== null && readLocal(OWNER) === holder;
  return all.filter(({ id, by }) => {
    const own = (by ?? holder) === holder;
    if (own) known.add(id);
    else if (rightful) void dropRecord(id);
    return own;
  });
}

export async function storeRecord(record: Kept): Promise<void> {
  if (left) return;
  if ((await withStore("readwrite", (store) => store.put({ ...record, by: holder }))) !== null) known.add(record.id);
}

export async function dropRecord(id: string): Promise<void> {
  known.delete(id);
  await withStore("readwrite", (store) => store.delete(id));
}

/** Whether another tab took the record away. Nobody can have where there is no database, or where it never was in it. */
export async function isTaken(id: string): Promise<boolean> {
  return known.has(id) && (await withStore("readonly", (store) => store.getKey(id))) === undefined;
}

/** Whether this page holds the words of another person than `userId`; null is nobody. */
export function isForeign(userId: string | null): boolean {
  return holder !== null && holder !== userId;
}

/** Makes this browser's drafts and waiting messages, and this page, those of `userId`. False when they are another one's. */
export function claimLocalData(userId: string): boolean {
  if (isForeign(userId)) return false;
  holder = userId;
  put(OWNER, userId);
  return true;
}

/** Removes what the person of this page left in the browser; from here on the page keeps nothing. */
export async function clearLocalData(): Promise<void> {
  left = true;
  // A tab that hears late of the change must not touch what the next person has written since.
  const owner = readLocal(OWNER);
  if (owner !== null && owner !== holder) return;
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(OWN_PREFIX) && key !== "taifas.frame") localStorage.removeItem(key);
    }
  } catch {
    // No storage, nothing to clear.
  }
  await withStore("readwrite", (store) => store.clear());
}
