/**
 * Files that are looked at, kept in the browser's IndexedDB so that a reload of the page does not
 * lose them. They go when they are loaded or left, when somebody signs out, and after a day.
 */
const DATABASE = 'sluice.files';
const STORE = 'looked-at';
/** So much is kept in all; what was kept longest ago makes room. */
export const MAX_KEPT_BYTES = 200 * 1024 * 1024;
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** They are not found again while they are on their way out. */
const forgotten = new Set<string>();

interface Kept {
  id: string;
  file: File;
  keptAtMs: number;
}

/** Keeps a file; false where it is too large or the browser keeps none. */
export async function keepFile(id: string, file: File): Promise<boolean> {
  if (file.size > MAX_KEPT_BYTES) return false;
  forgotten.delete(id);
  const nowMs = Date.now();
  const done = await withStore('readwrite', async (store) => {
    const kept = await answerOf(store.getAll() as IDBRequest<Kept[]>);
    const others = kept.filter((one) => one.id !== id);
    for (const old of toDrop(others.map(weightOf), file.size, nowMs)) store.delete(old);
    store.put({ id, file, keptAtMs: nowMs } satisfies Kept);
    return true;
  });
  return done ?? false;
}

/** The file that was kept under this id; null when there is none, or none any more. */
export async function keptFile(id: string): Promise<File | null> {
  if (forgotten.has(id)) return null;
  const kept = await withStore('readonly', (store) =>
    answerOf(store.get(id) as IDBRequest<Kept | undefined>),
  );
  return kept && Date.now() - kept.keptAtMs <= MAX_AGE_MS ? kept.file : null;
}

/** The file was loaded or left. */
export async function forgetFile(id: string): Promise<void> {
  forgotten.add(id);
  await withStore('readwrite', (store) => answerOf(store.delete(id)));
}

/** Whoever sits here next is not to find the files of who was here before. */
export async function forgetAllFiles(): Promise<void> {
  await withStore('readwrite', (store) => answerOf(store.clear()));
}

/** Which files go so that one of this size may come: those of yesterday, then the oldest. */
export function toDrop(
  kept: readonly { id: string; nBytes: number; keptAtMs: number }[],
  nBytes: number,
  nowMs: number,
): string[] {
  const dropped: string[] = [];
  let nInAll = nBytes;
  for (const one of [...kept].sort((a, b) => b.keptAtMs - a.keptAtMs)) {
    const isOld = nowMs - one.keptAtMs > MAX_AGE_MS;
    if (!isOld) nInAll += one.nBytes;
    if (isOld || nInAll > MAX_KEPT_BYTES) dropped.push(one.id);
  }
  return dropped;
}

function weightOf({ id, file, keptAtMs }: Kept): { id: string; nBytes: number; keptAtMs: number } {
  return { id, nBytes: file.size, keptAtMs };
}

/** Runs `work` in a transaction; null where the browser has no room, or keeps nothing at all. */
async function withStore<Result>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => Promise<Result>,
): Promise<Result | null> {
  let database: IDBDatabase | undefined;
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'id' });
    database = await answerOf(opening);
    const transaction = database.transaction(STORE, mode);
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('It was broken off.'));
    });
    const [result] = await Promise.all([work(transaction.objectStore(STORE)), ended]);
    return result;
  } catch {
    return null;
  } finally {
    database?.close();
  }
}

function answerOf<Answer>(request: IDBRequest<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('It was refused.'));
  });
}
