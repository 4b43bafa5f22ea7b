import { useNavigate } from '@tanstack/react-router';
import { useId, useState, type SubmitEvent, type ReactElement } from 'react';
import { messageOf } from '../api/error';
import { countOf, formatBytes, formatCount, formatSeconds } from '../format';
import { Icon } from '../shell/Icon';
import { cancelJob, type Job } from './send';
import { removeUpload, retryUpload, useUploads, type Upload } from './uploads';

/** The files on their way in, in a corner of the window, each with what became of it. */
export function UploadList(): ReactElement {
  const list = useUploads((uploads) => uploads.list);
  return (
    <>
      <p className="unseen" role="status">
        {list.map(announcement).join(' ')}
      </p>
      {list.length > 0 && (
        <section className="uploads" aria-label="Uploads">
          {list.map((upload) => (
            <UploadCard key={upload.id} upload={upload} />
          ))}
        </section>
      )}
    </>
  );
}

function UploadCard({ upload }: { upload: Upload }): ReactElement {
  const { id, file, state } = upload;
  const isUnsent = state.is === 'waiting' || state.is === 'sending';
  return (
    <article className="upload" aria-label={file.name} data-state={state.is}>
      <div className="upload-title">
        <strong title={file.name}>{file.name}</strong>
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={isUnsent ? `Cancel ${file.name}` : `Dismiss ${file.name}`}
          title={isUnsent ? 'Cancel' : 'Dismiss'}
          onClick={() => removeUpload(id)}
        >
          <Icon name="close" />
        </button>
      </div>
      {state.is === 'waiting' && <p className="hint">Waiting for the files before it</p>}
      {state.is === 'sending' && <Sending file={file} nBytesSent={state.nBytesSent} />}
      {state.is === 'loading' && <Loading job={state.job} />}
      {state.is === 'done' && <Done id={id} name={state.datasetName} nRows={state.nRows} />}
      {state.is === 'failed' && <Failed upload={upload} state={state} />}
    </article>
  );
}

function Sending({ file, nBytesSent }: { file: File; nBytesSent: number }): ReactElement {
  return (
    <>
      <progress
        max={Math.max(file.size, 1)}
        value={nBytesSent}
        aria-label={`Sending ${file.name}`}
      />
      <p className="hint">
        Sending: {formatBytes(nBytesSent)} of {formatBytes(file.size)}
      </p>
    </>
  );
}

function Loading({ job }: { job: Job }): ReactElement {
  const { progress } = job;
  const nBytes = Number(progress.bytesDone);
  const nBytesInAll = Number(progress.bytesTotal ?? 0);
  const facts = [
    Number(progress.rowsDone) > 0 && countOf(progress.rowsDone, 'row'),
    progress.rowsPerSecond !== null && `${formatCount(Math.round(progress.rowsPerSecond))} rows/s`,
    progress.remainingSeconds !== null && `${formatSeconds(progress.remainingSeconds)} left`,
  ].filter(Boolean);
  return (
    <>
      <progress
        aria-label="Loading"
        {...(nBytesInAll > 0 && { max: nBytesInAll, value: Math.min(nBytes, nBytesInAll) })}
      />
      <p className="hint">
        {job.status === 'QUEUED' ? 'Queued' : sentence(job.phase ?? 'Loading')}
        {facts.length > 0 && `: ${facts.join(', ')}`}
      </p>
      <CancelJob id={job.id} />
    </>
  );
}

function CancelJob({ id }: { id: string }): ReactElement {
  const [state, setState] = useState<'idle' | 'asked' | { problem: string }>('idle');
  return (
    <div className="upload-actions">
      <button
        type="button"
        className="button"
        disabled={state === 'asked'}
        onClick={() => {
          setState('asked');
          cancelJob(id).catch((error: unknown) => setState({ problem: messageOf(error) }));
        }}
      >
        Cancel
      </button>
      {typeof state === 'object' && <p className="failure">{state.problem}</p>}
    </div>
  );
}

function Done(props: { id: number; name: string; nRows: string | number | null }): ReactElement {
  const navigate = useNavigate();
  return (
    <div className="upload-actions">
      <p className="success">
        <Icon name="check" />
        {props.name}
        {props.nRows !== null && `: ${countOf(props.nRows, 'row')}`}
      </p>
      <button
        type="button"
        className="button"
        onClick={() => {
          removeUpload(props.id);
          void navigate({ to: '/datasets/$name', params: { name: props.name } });
        }}
      >
        Open
      </button>
    </div>
  );
}

function Failed(props: {
  upload: Upload;
  state: Extract<Upload['state'], { is: 'failed' }>;
}): ReactElement {
  const { id } = props.upload;
  const { message, code, requestId } = props.state;
  const [name, setName] = useState(props.upload.name);
  const nameId = useId();
  function tryAgain(event: SubmitEvent): void {
    event.preventDefault();
    retryUpload(id, { name: name.trim() || props.upload.name });
  }
  return (
    <>
      <p className="failure">
        {message}
        {requestId !== null && <small> Request {requestId}</small>}
      </p>
      <form className="upload-actions" onSubmit={tryAgain}>
        <label htmlFor={nameId}>Name</label>
        <input
          id={nameId}
          className="input"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" className="button">
          Try again
        </button>
        {code === 'CONFLICT' && name.trim() === props.upload.name && (
          <button
            type="button"
            className="button primary"
            onClick={() => retryUpload(id, { mode: 'replace' })}
          >
            Replace
          </button>
        )}
      </form>
    </>
  );
}

/** What a screen reader is told: the turning points, not each step of the progress. */
function announcement({ file, state }: Upload): string {
  switch (state.is) {
    case 'waiting':
      return '';
    case 'sending':
      return `Sending ${file.name}.`;
    case 'loading':
      return `Loading ${file.name}.`;
    case 'done':
      return `${file.name} is loaded.`;
    case 'failed':
      return `${file.name} failed: ${state.message}`;
  }
}

function sentence(phase: string): string {
  const words = phase.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
