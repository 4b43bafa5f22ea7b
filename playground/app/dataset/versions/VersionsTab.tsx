import { useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundRevertDocument } from '../../api/operations';
import { countOf, formatCount } from '../../format';
import { Busy } from '../../shell/Busy';
import { useChange } from '../change';
import { useMay } from '../may';
import { Confirm } from '../../shell/Confirm';
import { Progress } from '../Progress';
import { AgePager } from '../Pager';
import { Problem } from '../../shell/Problem';
import type { TabProps } from '../tabs';
import { formatInstant } from '../time';
import { Counts } from './Counts';
import { VersionDiff } from './VersionDiff';
import './versions.css';
import { actionWords, actorWords, type Version } from './diff';
import { useVersions } from './versions';

/** What the dataset was: its versions, what differs between two, and the way back. */
export default function VersionsTab({ dataset, search, onChange }: TabProps): ReactElement {
  const [page, setPage] = useState(0);
  const { data, error, refetch } = useVersions(dataset, page);
  if (!data) {
    return error ? (
      <div className="tab-page">
        <Problem error={error} onRetry={() => void refetch()} />
      </div>
    ) : (
      <Busy label="Loading the versions" />
    );
  }
  const { versions, hasMore } = data;
  if (search.diff) {
    return (
      <VersionDiff
        key={`${search.diff.from}-${search.diff.to}`}
        dataset={dataset}
        pair={search.diff}
        versions={versions.filter(({ isKept }) => isKept).map(({ version }) => version)}
        onPair={(diff) => onChange({ diff })}
      />
    );
  }
  return (
    <div className="tab-page">
      <div className="table-frame" tabIndex={0} role="region" aria-label="Versions">
        <table className="facts-table foldable">
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">What made it</th>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">Rows changed</th>
              <th scope="col" data-number>
                Rows
              </th>
              <th scope="col">
                <span className="unseen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {versions.map((version, index) => (
              <VersionRow
                key={version.version}
                dataset={dataset}
                version={version}
                before={versions[index + 1]}
                onCompare={(from, to) => onChange({ diff: { from, to } })}
                onAsOf={() => onChange({ view: undefined, asOf: version.version })}
              />
            ))}
          </tbody>
        </table>
      </div>
      <AgePager label="versions" page={page} hasMore={hasMore} onPage={setPage} />
    </div>
  );
}

function VersionRow(props: {
  dataset: Dataset;
  version: Version;
  before: Version | undefined;
  onCompare: (from: number, to: number) => void;
  onAsOf: () => void;
}): ReactElement {
  const { dataset, version, before } = props;
  const number = version.version;
  const isNow = number === dataset.version;
  return (
    <tr>
      <th scope="row">
        <span className="fact-tags">
          Version {number}
          {isNow && (
            <span className="fact-tag" data-tone="accent">
              now
            </span>
          )}
        </span>
      </th>
      <td>{actionWords(version)}</td>
      <td>
        <time dateTime={version.at}>{formatInstant(version.at)}</time>
      </td>
      <td data-label="By">{actorWords(version.actor)}</td>
      <td>
        <Counts counts={version} />
      </td>
      <td data-label="Rows" data-number>
        {formatCount(version.rowCount)}
      </td>
      <td>
        <div className="entry-actions">
          {before !== undefined && version.isKept && before.isKept && (
            <button
              type="button"
              className="button"
              aria-label={`Changes of version ${number}`}
              onClick={() => props.onCompare(before.version, number)}
            >
              Changes
            </button>
          )}
          {!isNow && version.isKept && (
            <>
              <button
                type="button"
                className="button"
                aria-label={`Compare with now: version ${number}`}
                onClick={() => props.onCompare(number, dataset.version)}
              >
                Compare with now
              </button>
              <button
                type="button"
                className="button"
                aria-label={`Rows of version ${number}`}
                onClick={props.onAsOf}
              >
                Rows
              </button>
            </>
          )}
          {!isNow && version.canRevert && <Revert dataset={dataset} version={version} />}
          {!isNow && !version.isKept && <span className="hint">no longer kept</span>}
        </div>
      </td>
    </tr>
  );
}

function Revert({ dataset, version }: { dataset: Dataset; version: Version }): ReactElement | null {
  const mayRevert = useMay('UPLOAD');
  const change = useChange(async (to: number) => {
    await request(PlaygroundRevertDocument, {
      name: dataset.name,
      version: to,
      ifVersion: dataset.version,
    });
    return null;
  });
  if (!mayRevert) return null;
  return (
    <Confirm
      title={`Bring back version ${version.version}?`}
      action={`Bring back version ${version.version}`}
      onConfirm={() => change.mustRun(version.version)}
      progress={<Progress change={change} />}
      trigger={
        <button
          type="button"
          className="button"
          aria-label={`Bring back version ${version.version}`}
        >
          Bring back
        </button>
      }
    >
      <p>
        Version {dataset.version + 1} of {dataset.name} will have the rows, columns and key of
        version {version.version}: {countOf(version.rowCount, 'row')} in place of{' '}
        {countOf(dataset.rowCount, 'row')}. Its name, relations and policies stay.
      </p>
      <p>
        Version {dataset.version} is kept like any other, so this can be taken back. If somebody
        changes the dataset in the meantime, nothing is done.
      </p>
    </Confirm>
  );
}
