import { create } from 'zustand';
import { ApiError, messageOf } from '../api/error';
import { watchJob } from '../api/watch-job';
import { forgetFile, keepFile, keptFile } from './kept';
import { datasetNameForFile } from './names';
import { cancelJob, JOB, sendFile, type Job, type LoadPlan } from './send';

/** One file on its way in. A file whose sheets are loaded in several ways is on the list for each. */
export interface Upload {
  id: string;
  file: File;
  plan: LoadPlan;
  state: UploadState;
  /** Whether a reload brings it back, while it is looked at; null until that is known. */
  isKept: boolean | null;
  /** Whether it came with others: then no single dataset is opened at the end. */
  isOneOfMany: boolean;
}

export type UploadState =
  /** Its owner has not yet said what to do with it. */
  | { is: 'offered' }
  /** It is looked at before it is loaded, on a screen of its own. */
  | { is: 'looked-at' }
  | { is: 'waiting' }
  | { is: 'sending'; nBytesSent: number; beganMs: number }
  | { is: 'loading'; job: Job }
  | { is: 'done'; job: Job; datasetName: string }
  | { is: 'failed'; message: string; code: string; requestId: string | null };

interface Uploads {
  list: Upload[];
  /** What is to be said about files that were not taken. */
  remark: string | null;
}

export const useUploads = create<Uploads>(() => ({ list: [], remark: null }));

/** The browser allows six connections to a server; queries must not wait behind files. */
const MAX_AT_ONCE = 2;

const aborts = new Map<string, AbortController>();
/** Names what is sent, so that sending it again after a broken connection loads nothing twice. */
const requestIds = new Map<string, string>();
let onPublished: (upload: Upload, datasetName: string) => void = () => undefined;

/** Says whom to tell when a dataset has a new version. */
export function whenPublished(listener: typeof onPublished): void {
  onPublished = listener;
}

/** Takes files: `offered` asks what to do, `waiting` loads at once, `looked-at` shows them. */
export function addFiles(
  files: Iterable<File>,
  is: 'offered' | 'waiting' | 'looked-at' = 'offered',
): Upload[] {
  const known = useUploads.getState().list.filter(({ state }) => !isOver(state));
  const fresh: File[] = [];
  const twice: string[] = [];
  for (const file of files) {
    const isKnown = [...known.map((upload) => upload.file), ...fresh].some((other) =>
      isSameFile(file, other),
    );
    if (isKnown) twice.push(file.name);
    else fresh.push(file);
  }
  const added = fresh.map((file) => newUpload(file, planByName(file), { is }, fresh.length));
  useUploads.setState(({ list }) => ({
    list: [...list, ...added],
    remark: twice.length === 0 ? null : `Already in the list: ${twice.join(', ')}.`,
  }));
  if (is === 'looked-at') for (const upload of added) void keep(upload);
  startWaiting();
  return added;
}

/** Loads a file that was looked at, once for each plan of it; the upload looked at leaves the list. */
export function loadPlanned(id: string, plans: LoadPlan[]): void {
  const { list } = useUploads.getState();
  const looked = list.find((upload) => upload.id === id);
  if (!looked) return;
  const planned = plans.map((plan) =>
    newUpload(looked.file, plan, { is: 'waiting' }, plans.length),
  );
  useUploads.setState({ list: [...list.filter((upload) => upload.id !== id), ...planned] });
  void forgetFile(id);
  startWaiting();
}

/** Loads what was offered, or what was refused, under another name or in another mode. */
export function startUpload(id: string, change: Partial<LoadPlan> = {}): void {
  const upload = find(id);
  if (!upload) return;
  const isUnsent =
    upload.state.is === 'failed' &&
    upload.state.code === 'UNREACHABLE' &&
    Object.keys(change).length === 0;
  if (!isUnsent) requestIds.delete(id);
  update(id, { plan: { ...upload.plan, ...change }, state: { is: 'waiting' } });
  startWaiting();
}

export function startAllOffered(): void {
  for (const { id, state } of useUploads.getState().list) {
    if (state.is === 'offered') startUpload(id);
  }
}

/** Says that a file is looked at; a file that was refused keeps the reason until then. */
export function lookAt(id: string): void {
  update(id, { state: { is: 'looked-at' } });
  const upload = find(id);
  if (upload) void keep(upload);
}

/** Brings a file that was looked at back after a reload; false when it was not kept. */
export async function bringBack(id: string): Promise<boolean> {
  const file = await keptFile(id);
  if (file === null) return false;
  const back = { ...newUpload(file, planByName(file), { is: 'looked-at' }, 1), id, isKept: true };
  if (!find(id)) useUploads.setState(({ list }) => ({ list: [...list, back] }));
  return true;
}

async function keep({ id, file }: Upload): Promise<void> {
  update(id, { isKept: await keepFile(id, file) });
  // It may have been loaded or left meanwhile.
  if (find(id)?.state.is !== 'looked-at') await forgetFile(id);
}

function planByName(file: File): LoadPlan {
  return { name: datasetNameForFile(file.name), mode: 'CREATE' };
}

/**
 * Takes an upload off the list. One that is being sent is broken off; one that the server is
 * loading goes on, and its dataset appears when it is done.
 */
export function removeUpload(id: string): void {
  const state = find(id)?.state;
  if (state?.is === 'sending') aborts.get(id)?.abort();
  if (state?.is === 'looked-at') void forgetFile(id);
  useUploads.setState(({ list }) => ({
    list: list.filter((upload) => upload.id !== id),
    remark: null,
  }));
  startWaiting();
}

/** Ends an upload wherever it is. */
export async function cancelUpload(id: string): Promise<void> {
  const state = find(id)?.state;
  if (state?.is === 'loading') await cancelJob(state.job.id);
  else removeUpload(id);
}

export function forgetRemark(): void {
  useUploads.setState({ remark: null });
}

function newUpload(file: File, plan: LoadPlan, state: UploadState, nInBatch: number): Upload {
  return { id: newId(), file, plan, state, isKept: null, isOneOfMany: nInBatch > 1 };
}

/** Not a counter: an address with the id must not mean another file after the page is reloaded. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

function isSameFile(one: File, other: File): boolean {
  return (
    one.name === other.name && one.size === other.size && one.lastModified === other.lastModified
  );
}

function isOver(state: UploadState): boolean {
  return state.is === 'done' || state.is === 'failed';
}

function find(id: string): Upload | undefined {
  return useUploads.getState().list.find((upload) => upload.id === id);
}

function startWaiting(): void {
  const { list } = useUploads.getState();
  const nActive = list.filter(
    ({ state }) => state.is === 'sending' || state.is === 'loading',
  ).length;
  const waiting = list.filter(({ state }) => state.is === 'waiting');
  for (const upload of waiting.slice(0, Math.max(0, MAX_AT_ONCE - nActive))) void run(upload);
}

async function run(upload: Upload): Promise<void> {
  const { id, file, plan } = upload;
  const abort = new AbortController();
  const requestId = requestIds.get(id) ?? newId();
  const beganMs = performance.now();
  aborts.set(id, abort);
  requestIds.set(id, requestId);
  const onSent = (nBytesSent: number) =>
    update(id, { state: { is: 'sending', nBytesSent, beganMs } });
  onSent(0);
  try {
    const received = await sendFile(file, plan, { requestId, signal: abort.signal, onSent });
    const job = await watchJob(received, JOB, abort.signal, (job) =>
      update(id, { state: { is: 'loading', job } }),
    );
    finish(upload, job);
  } catch (error) {
    if (!abort.signal.aborted) update(id, { state: failure(error) });
  } finally {
    aborts.delete(id);
    startWaiting();
  }
}

function finish(upload: Upload, job: Job): void {
  if (job.status === 'SUCCEEDED') {
    const datasetName = job.datasets[0]?.name ?? job.datasetName;
    update(upload.id, { state: { is: 'done', datasetName, job } });
    const isOneOfMany = upload.isOneOfMany || job.datasets.length > 1;
    onPublished({ ...upload, isOneOfMany }, datasetName);
    return;
  }
  const message =
    job.error?.message ?? (job.status === 'CANCELLED' ? 'The load was cancelled.' : 'It failed.');
  const code = job.error?.code ?? job.status;
  requestIds.delete(upload.id);
  update(upload.id, { state: { is: 'failed', message, code, requestId: null } });
}

function failure(error: unknown): UploadState {
  return {
    is: 'failed',
    message: messageOf(error),
    code: error instanceof ApiError ? error.code : 'INTERNAL',
    requestId: error instanceof ApiError ? error.requestId : null,
  };
}

function update(id: string, change: Partial<Upload>): void {
  useUploads.setState(({ list }) => ({
    list: list.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)),
  }));
}
