import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { countOf } from '../format';
import { Icon } from '../shell/Icon';
import { JobProgress } from './JobProgress';
import { Failed } from './FailedUpload';
import type { Job } from './send';
import { Sending } from './Sending';
import { CancelButton } from './CancelButton';
import {
  cancelUpload,
  forgetRemark,
  lookAt,
  removeUpload,
  startAllOffered,
  startUpload,
  useUploads,
  type Upload,
} from './uploads';

/** The files on their way in, in a corner of the window, each with what became of it. */
export function UploadList(): ReactElement {
  const list = useUploads((uploads) => uploads.list);
  const remark = useUploads((uploads) => uploads.remark);
  const shown = list.filter(({ state }) => state.is !== 'looked-at');
  const nOffered = shown.filter(({ state }) => state.is === 'offered').length;
  const done = shown.filter(({ state }) => state.is === 'done');
  return (
    <>
      <p className="unseen" role="status">
        {shown.map(announcement).join(' ')} {remark}
      </p>
      {(shown.length > 0 || remark !== null) && (
        <section className="uploads" aria-label="Uploads">
          {remark !== null && (
            <div className="upload">
              <div className="upload-title">
                <span>{remark}</span>
                <CloseButton label="Dismiss this remark" title="Dismiss" onClick={forgetRemark} />
              </div>
            </div>
          )}
          {(nOffered > 1 || done.length > 1) && (
            <div className="upload upload-actions">
              {nOffered > 1 && (
                <button type="button" className="button primary" onClick={startAllOffered}>
                  Load all {nOffered} now
                </button>
              )}
              {done.length > 1 && (
                <button
                  type="button"
                  className="button"
                  onClick={() => done.forEach(({ id }) => removeUpload(id))}
                >
                  Dismiss {done.length} loaded
                </button>
              )}
            </div>
          )}
          {shown.map((upload) => (
            <UploadCard key={upload.id} upload={upload} />
          ))}
        </section>
      )}
    </>
  );
}

function UploadCard({ upload }: { upload: Upload }): ReactElement {
  const { id, file, plan, state } = upload;
  const isUnsent = state.is === 'waiting' || state.is === 'sending';
  return (
    <article className="upload" aria-label={file.name} data-state={state.is}>
      <div className="upload-title">
        <strong title={file.name}>
          {file.name}
          {plan.sheets && ` – ${[plan.sheets].flat().join(', ')}`}
        </strong>
        <CloseButton
          label={isUnsent ? `Cancel ${file.name}` : `Dismiss ${file.name}`}
          title={isUnsent ? 'Cancel' : 'Dismiss'}
          onClick={() => removeUpload(id)}
        />
      </div>
      {state.is === 'offered' && <Offered upload={upload} />}
      {state.is === 'waiting' && <p className="hint">Waiting for the files before it</p>}
      {state.is === 'sending' && <Sending file={file} state={state} />}
      {state.is === 'loading' && (
        <>
          <JobProgress job={state.job} />
          <div className="upload-actions">
            <CancelButton cancel={() => cancelUpload(id)} label={`Cancel loading ${file.name}`} />
          </div>
        </>
      )}
      {state.is === 'done' && <Done id={id} job={state.job} datasetName={state.datasetName} />}
      {state.is === 'failed' && <Failed upload={upload} state={state} />}
    </article>
  );
}

function CloseButton(props: { label: string; title: string; onClick: () => void }): ReactElement {
  return (
    <button
      type="button"
      className="button quiet icon-only"
      aria-label={props.label}
      title={props.title}
      onClick={props.onClick}
    >
      <Icon name="close" />
    </button>
  );
}

function Offered({ upload }: { upload: Upload }): ReactElement {
  const navigate = useNavigate();
  return (
    <div className="upload-actions">
      <button type="button" className="button primary" onClick={() => startUpload(upload.id)}>
        Load now
      </button>
      <button
        type="button"
        className="button"
        onClick={() => {
          lookAt(upload.id);
          void navigate({ to: '/load/$id', params: { id: upload.id } });
        }}
      >
        Look first
      </button>
    </div>
  );
}

function Done(props: { id: string; job: Job; datasetName: string }): ReactElement {
  const { datasetName, job } = props;
  const navigate = useNavigate();
  const isOne = job.datasets.length < 2;
  const nRows = job.datasets[0]?.rowCount ?? job.progress.rowsDone;
  return (
    <div className="upload-actions">
      <p className="success">
        <Icon name="check" />
        <span>
          {isOne
            ? `${datasetName}: ${countOf(nRows, 'row')}`
            : countOf(job.datasets.length, 'dataset')}
          {job.unchanged && '. The same file was loaded like this before: nothing was to be done'}
          {job.counts.rejected !== '0' && `, ${countOf(job.counts.rejected, 'row')} refused`}
        </span>
      </p>
      {isOne ? (
        <button
          type="button"
          className="button"
          onClick={() => {
            removeUpload(props.id);
            void navigate({ to: '/datasets/$name', params: { name: datasetName } });
          }}
        >
          Open
        </button>
      ) : (
        <ul className="plain-list upload-datasets" aria-label="Loaded datasets">
          {job.datasets.map(({ name, rowCount }) => (
            <li key={name}>
              <Link to="/datasets/$name" params={{ name }}>
                {name}
              </Link>
              : {countOf(rowCount, 'row')}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What a screen reader is told: the turning points, not each step of the progress. */
function announcement({ file, state }: Upload): string {
  switch (state.is) {
    case 'offered':
      return `${file.name} can be loaded now or looked at first.`;
    case 'sending':
      return `Sending ${file.name}.`;
    case 'loading':
      return `Loading ${file.name}.`;
    case 'done':
      return `${file.name} is loaded.`;
    case 'failed':
      return `${file.name} failed: ${state.message}`;
    default:
      return '';
  }
}
