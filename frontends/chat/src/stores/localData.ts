// The browser's own storage, behind functions that never throw: a private window or a full disk must not cost a
// person their words on the screen.

export function readLocal(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function writeLocal(key: string, value: string | null): void {
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

async function withStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
  const db = await database();
  if (!db) return null;
  return new Promise((resolve) => {
    try {
      const request = work(db.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

export async function storedRecords<T>(): Promise<T[]> {
  return ((await withStore("readonly", (store) => store.getAll())) ?? []) as T[];
}

export async function storeRecord(record: { id: string }): Promise<void> {
  await withStore("readwrite", (store) => store.put(record));
}

export async function dropRecord(id: string): Promise<void> {
  await withStore("readwrite", (store) => store.delete(id));
}

const OWNER = "taifas.owner";
const OWN_PREFIX = "taifas.";

/** Makes this browser's drafts and waiting messages those of `userId`; what another person left is removed. */
export async function claimLocalData(userId: string): Promise<boolean> {
  const owner = readLocal(OWNER);
  if (owner === userId) return false;
  if (owner !== null) await clearLocalData();
  writeLocal(OWNER, userId);
  return owner !== null;
}

export async function clearLocalData(): Promise<void> {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(OWN_PREFIX) && key !== "taifas.frame") localStorage.removeItem(key);
    }
  } catch {
    // No storage, nothing to clear.
  }
  await withStore("readwrite", (store) => store.clear());
}
