import { newApiError } from '../api/error';
import { request } from '../api/graphql';
import {
  PlaygroundCancelJobDocument,
  PlaygroundJobDocument,
  PlaygroundJobProgressDocument,
  PlaygroundUploadDocument,
  type LoadMode,
  type PlaygroundJobFieldsFragment,
  type PlaygroundUploadMutationVariables,
} from '../api/operations';
import { requestWithFile } from '../api/send-file';
import type { JobDocuments } from '../api/watch-job';

/** Background work of the server, as the API tells it. BigInts are text. */
export type Job = PlaygroundJobFieldsFragment;
export type { LoadMode };

/** How a job is asked for that is shown with its progress alone. */
export const JOB: JobDocuments<Job> = {
  progress: PlaygroundJobProgressDocument,
  once: PlaygroundJobDocument,
};

/** How a file is to be loaded; what is left out is decided by what the file holds. */
export type LoadPlan = Omit<PlaygroundUploadMutationVariables, 'file' | 'requestId'> & {
  name: string;
  mode: LoadMode;
};

/** Sends a file; loading goes on as the job returned. */
export async function sendFile(
  file: File,
  plan: LoadPlan,
  options: { requestId: string; signal: AbortSignal; onSent: (nBytes: number) => void },
): Promise<Job> {
  const { upload } = await requestWithFile(
    PlaygroundUploadDocument,
    { ...plan, requestId: options.requestId },
    { content: file, name: file.name },
    options,
  );
  if (upload.job === null) throw newApiError(500, null, null);
  return upload.job;
}

/** Asks the server to end a job; what becomes of it is seen by watching. */
export async function cancelJob(id: string): Promise<void> {
  await request(PlaygroundCancelJobDocument, { id });
}
