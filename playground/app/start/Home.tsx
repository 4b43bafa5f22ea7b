import { Link } from '@tanstack/react-router';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { DATASETS_QUERY_KEY } from '../api/catalog';
import { request } from '../api/graphql';
import { useMe } from '../api/me';
import { PlaygroundHomeDocument, type PlaygroundHomeQuery } from '../api/operations';
import { mayAsk, useSession } from '../session/session';
import { countOf, formatBytes, formatCount } from '../format';
import { Busy } from '../shell/Busy';
import { Icon } from '../shell/Icon';
import { Problem } from '../shell/Problem';
import { When } from '../shell/When';
import { JobLine } from '../system/JobLine';
import { ChooseFiles } from '../upload/ChooseFiles';
import { NewDataset } from './NewDataset';
import './start.css';
import { Start } from './Start';

type HomeDataset = PlaygroundHomeQuery['datasets'][number];

/** Where one begins: what there is, what was done last, and how more comes in. */
export function Home(): ReactElement {
  const key = useSession((session) => session.key);
  const isEnabled = useSession(mayAsk);
  const home = useQuery({
    // Below the key of the datasets, so that what changes those changes this.
    queryKey: [DATASETS_QUERY_KEY, key, 'home'],
    enabled: isEnabled,
    queryFn: ({ signal }) => request(PlaygroundHomeDocument, {}, signal),
    placeholderData: keepPreviousData,
  });
  const { canUpload } = useMe();
  if (home.data === undefined) {
    if (home.isError) {
      return (
        <div className="page">
          <Problem error={home.error} />
          <button type="button" className="button" onClick={() => void home.refetch()}>
            Try again
          </button>
        </div>
      );
    }
    return <Busy label="Loading the datasets" />;
  }
  const { datasets, jobs } = home.data;
  if (datasets.length === 0 && canUpload) return <Start />;
  return (
    <div className="room">
      <div className="room-title">
        <h1>Datasets</h1>
        <span className="spacer" />
        {canUpload && (
          <>
            <NewDataset />
            <ChooseFiles className="button" then="looked-at">
              <Icon name="look" />
              Look at a file
            </ChooseFiles>
          </>
        )}
      </div>
      {datasets.length === 0 ? (
        <p>
          {key === null
            ? 'There is no dataset that may be read without a key.'
            : 'There is no dataset that your key may see.'}
        </p>
      ) : (
        <DatasetTable datasets={datasets} />
      )}
      {canUpload && (
        <p className="hint">
          Drop files anywhere on this page, or paste them: CSV, Excel, OpenDocument, JSON.
        </p>
      )}
      {jobs.length > 0 && (
        <section aria-labelledby="recent-jobs">
          <h2 id="recent-jobs">Latest jobs</h2>
          <ul className="job-lines">
            {jobs.map((job) => (
              <JobLine key={job.id} job={job} />
            ))}
          </ul>
          <Link to="/jobs">All jobs</Link>
        </section>
      )}
    </div>
  );
}

const SEARCH_FROM = 8;

function DatasetTable({ datasets }: { datasets: HomeDataset[] }): ReactElement {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const shown = datasets.filter(({ name, label, description }) =>
    [name, label, description ?? ''].some((text) => text.toLowerCase().includes(wanted)),
  );
  return (
    <>
      {datasets.length >= SEARCH_FROM && (
        <input
          type="search"
          className="input"
          placeholder="Search names and descriptions"
          aria-label="Search names and descriptions"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      <table className="table" aria-label="Datasets">
        <thead>
          <tr>
            <th>Name</th>
            <th className="number">Rows</th>
            <th className="number">Columns</th>
            <th className="number">Size</th>
            <th>Changed</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((dataset) => (
            <tr key={dataset.name}>
              <td>
                <Link to="/datasets/$name" params={{ name: dataset.name }}>
                  {dataset.name}
                </Link>
                {dataset.label !== dataset.name && <small> {dataset.label}</small>}
                {dataset.description !== null && <p className="hint">{dataset.description}</p>}
                {dataset.rejectCount !== '0' && (
                  <p className="warn">{countOf(dataset.rejectCount, 'row')} refused</p>
                )}
              </td>
              <td className="number" data-label="Rows">
                {formatCount(dataset.rowCount)}
              </td>
              <td className="number" data-label="Columns">
                {dataset.columns.length}
              </td>
              <td className="number" data-label="Size">
                {formatBytes(Number(dataset.sizeBytes))}
              </td>
              <td data-label="Changed">
                <When at={dataset.updatedAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length === 0 && <p className="hint">None of that name.</p>}
    </>
  );
}
