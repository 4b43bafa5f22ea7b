import { create } from 'zustand';
import { ApiError, messageOf } from '../api/error';
import { datasetNameForFile } from './names';
import { sendFile, watchJob, type Job, type LoadMode } from './send';

/** One file on its way in. */
export interface Upload {
  id: number;
  file: File;
  name: string;
  mode: LoadMode;
  state: UploadState;
}

export type UploadState =
  | { is: 'waiting' }
  | { is: 'sending'; nBytesSent: number }
  | { is: 'loading'; job: Job }
  | { is: 'done'; datasetName: string; nRows: string | number | null }
  | { is: 'failed'; message: string; code: string; requestId: string | null };

interface Uploads {
  list: Upload[];
}

export const useUploads = create<Uploads>(() => ({ list: [] }));

/** The browser allows six connections to a server; queries must not wait behind files. */
const MAX_AT_ONCE = 2;

const aborts = new Map<number, AbortController>();
let nextId = 1;
let onPublished: (datasetName: string) => void = () => undefined;

/** Says whom to tell when a dataset has a new version. */
export function whenPublished(listener: (datasetName: string) => void): void {
  onPublished = listener;
}

export function addFiles(files: Iterable<File>): void {
  const added = [...files].map((file): Upload => ({
    id: nextId++,
    file,
    name: datasetNameForFile(file.name),
    mode: 'create',
    state: { is: 'waiting' },
  }));
  useUploads.setState(({ list }) => ({ list: [...list, ...added] }));
  startWaiting();
}

/** Sends a refused file again, under another name or in another mode. */
export function retryUpload(id: number, change: { name?: string; mode?: LoadMode }): void {
  update(id, { ...change, state: { is: 'waiting' } });
  startWaiting();
}

/**
 * Takes an upload off the list. One that is being sent is broken off; one that the server is
 * loading goes on, and its dataset appears when it is done.
 */
export function removeUpload(id: number): void {
  const { list } = useUploads.getState();
  if (list.find((upload) => upload.id === id)?.state.is === 'sending') aborts.get(id)?.abort();
  useUploads.setState(({ list }) => ({ list: list.filter((upload) => upload.id !== id) }));
}

function startWaiting(): void {
  const { list } = useUploads.getState();
  const nActive = list.filter(
    ({ state }) => state.is === 'sending' || state.is === 'loading',
  ).length;
  const waiting = list.filter(({ state }) => state.is === 'waiting');
  for (const upload of waiting.slice(0, Math.max(0, MAX_AT_ONCE - nActive))) void run(upload);
}

async function run({ id, file, name, mode }: Upload): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  update(id, { state: { is: 'sending', nBytesSent: 0 } });
  try {
    const received = await sendFile(file, { name, mode, signal: abort.signal }, (nBytesSent) =>
      update(id, { state: { is: 'sending', nBytesSent } }),
    );
    const job = await watchJob(received, abort.signal, (job) =>
      update(id, { state: { is: 'loading', job } }),
    );
    finish(id, name, job);
  } catch (error) {
    if (!abort.signal.aborted) update(id, { state: failure(error) });
  } finally {
    aborts.delete(id);
    startWaiting();
  }
}

function finish(id: number, name: string, job: Job): void {
  if (job.status === 'SUCCEEDED') {
    const datasetName = job.datasets[0]?.name ?? name;
    update(id, { state: { is: 'done', datasetName, nRows: job.progress.rowsDone } });
    onPublished(datasetName);
    return;
  }
  const message =
    job.error?.message ?? (job.status === 'CANCELLED' ? 'The load was cancelled.' : 'It failed.');
  const code = job.error?.code ?? job.status;
  update(id, { state: { is: 'failed', message, code, requestId: null } });
}

function failure(error: unknown): UploadState {
  return {
    is: 'failed',
    message: messageOf(error),
    code: error instanceof ApiError ? error.code : 'INTERNAL',
    requestId: error instanceof ApiError ? error.requestId : null,
  };
}

function update(id: number, change: Partial<Upload>): void {
  useUploads.setState(({ list }) => ({
    list: list.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)),
  }));
}
