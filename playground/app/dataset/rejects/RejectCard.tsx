import { useId, useState, type ReactElement } from 'react';
import { formatCount } from '../../format';
import type { Change } from '../change';
import { Confirm } from '../../shell/Confirm';
import { Progress } from '../Progress';
import { correctionOf, type Reject } from './corrections';

/** One refused row: why, and its cells to be corrected, the one at fault first. */
export function RejectCard(props: {
  reject: Reject;
  draft: ReadonlyMap<string, string> | undefined;
  isBusy: boolean;
  /** Why the correction was refused in turn. */
  refusal: string | null;
  discard: Change<readonly string[] | null>;
  onWrite: (field: string, text: string) => void;
  onAdmit: () => void;
}): ReactElement {
  const { reject, draft, refusal } = props;
  const [isWhole, setWhole] = useState(false);
  const id = useId();
  const isFaulty = (label: string) => label === reject.column;
  const hasFaulty = reject.cells.some(({ label }) => isFaulty(label));
  const shown =
    isWhole || !hasFaulty ? reject.cells : reject.cells.filter((c) => isFaulty(c.label));
  const isCorrected = correctionOf(reject, draft).cells.length > 0;
  return (
    <li className="entry reject">
      <div className="entry-title">
        <strong>Row {formatCount(reject.row)}</strong>
        {isCorrected && (
          <span className="fact-tag" data-tone="accent">
            corrected
          </span>
        )}
        <p className="reject-reason" id={`${id}reason`}>
          {reject.column !== '' && <strong>{reject.column}: </strong>}
          {reject.reason}
        </p>
      </div>
      {refusal !== null && (
        <p className="failure" id={`${id}refusal`}>
          {refusal}
        </p>
      )}
      <div className="reject-cells">
        {shown.map(({ name, label, value }) => {
          const isFault = isFaulty(label);
          return (
            <div key={name} className="labelled">
              <label htmlFor={`${id}${name}`}>{label}</label>
              <input
                id={`${id}${name}`}
                className="input mono"
                autoComplete="off"
                spellCheck={false}
                placeholder="no value"
                value={draft?.get(name) ?? value ?? ''}
                aria-invalid={isFault && (!isCorrected || refusal !== null)}
                aria-describedby={isFault ? `${id}reason` : undefined}
                onChange={(event) => props.onWrite(name, event.target.value)}
              />
            </div>
          );
        })}
      </div>
      <div className="reject-actions">
        <button
          type="button"
          className="button compact"
          disabled={props.isBusy}
          aria-label={`Admit row ${reject.row}`}
          onClick={props.onAdmit}
        >
          Admit
        </button>
        <Confirm
          title={`Discard row ${formatCount(reject.row)}?`}
          action="Discard"
          isDanger
          onConfirm={() => props.discard.mustRun([reject.id])}
          progress={<Progress change={props.discard} />}
          trigger={
            <button
              type="button"
              className="button compact danger"
              aria-label={`Discard row ${reject.row}`}
            >
              Discard
            </button>
          }
        >
          <p>The refused row is forgotten.</p>
        </Confirm>
        {hasFaulty && reject.cells.length > 1 && (
          <button
            type="button"
            className="button compact quiet"
            aria-expanded={isWhole}
            onClick={() => setWhole(!isWhole)}
          >
            {isWhole ? 'Only the cell at fault' : `All ${reject.cells.length} cells`}
          </button>
        )}
      </div>
    </li>
  );
}
