import { useGraphiQL } from '@graphiql/react';
import type { ReactElement } from 'react';
import { copyText } from '../clipboard';
import type { ShownError } from './errors';

/** The errors of an answer in words; a place in the document leads there. */
export function AnswerErrors({ errors }: { errors: ShownError[] }): ReactElement {
  return (
    <ul className="answer-errors" role="alert" aria-label="Errors">
      {errors.map((error, index) => (
        <li key={index}>
          {error.code !== null && <code className="answer-error-code">{error.code}</code>}
          <span>{error.message}</span>
          <span className="answer-error-facts">
            {error.location && <Place {...error.location} />}
            {error.path !== null && (
              <span>
                at <code>{error.path}</code>
              </span>
            )}
            {error.requestId !== null && <RequestId id={error.requestId} />}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Place({ line, column }: { line: number; column: number }): ReactElement {
  const editor = useGraphiQL((state) => state.queryEditor);
  function go(): void {
    editor?.setPosition({ lineNumber: line, column });
    editor?.revealLineInCenterIfOutsideViewport(line);
    editor?.focus();
  }
  return (
    <button type="button" className="link-button" onClick={go}>
      line {line}, column {column}
    </button>
  );
}

function RequestId({ id }: { id: string }): ReactElement {
  return (
    <span>
      request{' '}
      <button
        type="button"
        className="link-button mono"
        title="Copy the request id"
        onClick={() => void copyText(id)}
      >
        {id}
      </button>
    </span>
  );
}
