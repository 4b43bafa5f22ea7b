import type { ReactElement } from 'react';
import { countOf, formatCount } from '../format';
import type { Change } from './change';
import { JobFailure } from './job';

/**
 * The rows whose values a change would lose, before it is made: nothing is changed until somebody
 * wants it nevertheless.
 */
export function Lost(props: {
  /** A change that is told whether rows may be lost. */
  change: Change<boolean>;
  onAllow: () => void;
}): ReactElement | null {
  const { error, isRunning } = props.change;
  if (!isLoss(props.change) || !(error instanceof JobFailure)) return null;
  const { refused, counts } = error.job;
  return (
    <section className="lost" role="alert" aria-label="What would be lost">
      <p>
        <strong>{countOf(counts.rejected, 'row')} would not fit any more.</strong> Nothing is
        changed yet. Go on, and these rows become rejects, where you can correct and admit them.
      </p>
      <div className="lost-rows" tabIndex={0} role="region" aria-label="Rows that do not fit">
        <table>
          <thead>
            <tr>
              <th scope="col">Row</th>
              <th scope="col">Column</th>
              <th scope="col">Cell</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {refused.map(({ row, column, value, reason }, index) => (
              <tr key={index}>
                <td>{formatCount(row)}</td>
                <td>{column}</td>
                <td>{value === '' ? <em>empty</em> : <code>{value}</code>}</td>
                <td>{reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {BigInt(counts.rejected) > BigInt(refused.length) && (
        <p className="hint">These are the first {refused.length} of them.</p>
      )}
      <button type="button" className="button danger" disabled={isRunning} onClick={props.onAllow}>
        Change it and set {countOf(counts.rejected, 'row')} aside
      </button>
    </section>
  );
}

/**
 * Whether a failure is told by `Lost`, with the way on. One that came although rows were allowed to
 * be lost is a failure like any other: more rows than the server keeps aside, for example.
 */
export function isLoss({ error, failed }: Change<boolean>): boolean {
  return error instanceof JobFailure && error.job.refused.length > 0 && failed === false;
}
