import { useNavigate } from '@tanstack/react-router';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { lookAt, startUpload, type Upload } from './uploads';

/** A file that was refused: why, and what can be done about it. */
export function Failed(props: {
  upload: Upload;
  state: Extract<Upload['state'], { is: 'failed' }>;
}): ReactElement {
  const { id, plan } = props.upload;
  const { message, code, requestId } = props.state;
  const [name, setName] = useState(plan.name);
  const nameId = useId();
  const navigate = useNavigate();
  function tryAgain(event: SubmitEvent): void {
    event.preventDefault();
    const wanted = name.trim();
    startUpload(id, wanted === '' || wanted === plan.name ? {} : { name: wanted });
  }
  const isTaken = code === 'CONFLICT' && plan.mode === 'CREATE';
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
        {isTaken && name.trim() === plan.name && (
          <button
            type="button"
            className="button primary"
            onClick={() => startUpload(id, { mode: 'REPLACE' })}
          >
            Replace
          </button>
        )}
        {code !== 'UNREACHABLE' && (
          <button
            type="button"
            className="button"
            onClick={() => {
              lookAt(id);
              void navigate({ to: '/load/$id', params: { id } });
            }}
          >
            Look at it
          </button>
        )}
      </form>
    </>
  );
}
