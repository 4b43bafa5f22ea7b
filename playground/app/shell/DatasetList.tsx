import { Link, useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useDatasets, type Dataset } from '../api/catalog';
import { messageOf } from '../api/error';
import { useMe } from '../api/me';
import { readyQuery } from '../api/ready-query';
import { openQuery } from '../editor/requests';
import { countOf } from '../format';
import { Icon } from './Icon';

/** From this many datasets on, a list needs a search. */
const SEARCH_FROM = 8;

export function DatasetList({ onDone }: { onDone: () => void }): ReactElement {
  const { data: datasets, error } = useDatasets();
  const { canUpload } = useMe();
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const shown = datasets?.filter(
    ({ name, label }) =>
      name.toLowerCase().includes(wanted) || label.toLowerCase().includes(wanted),
  );
  return (
    <>
      <h2>Datasets</h2>
      {datasets !== undefined && datasets.length >= SEARCH_FROM && (
        <input
          type="search"
          className="input"
          placeholder="Search"
          aria-label="Search datasets"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      {error !== null && datasets === undefined && <p className="failure">{messageOf(error)}</p>}
      {datasets?.length === 0 && (
        <p className="hint">None yet.{canUpload && ' Drop a file anywhere.'}</p>
      )}
      {shown?.length === 0 && datasets?.length !== 0 && <p className="hint">None of that name.</p>}
      <ul className="datasets">
        {shown?.map((dataset) => (
          <DatasetItem key={dataset.name} dataset={dataset} onDone={onDone} />
        ))}
      </ul>
    </>
  );
}

function DatasetItem({ dataset, onDone }: { dataset: Dataset; onDone: () => void }): ReactElement {
  const navigate = useNavigate();
  function openReadyQuery(): void {
    openQuery(readyQuery(dataset));
    void navigate({ to: '/graphiql' });
    onDone();
  }
  return (
    <li className="dataset">
      <Link
        to="/datasets/$name"
        params={{ name: dataset.name }}
        className="nav-link"
        activeProps={{ 'data-current': true }}
        title={dataset.label}
      >
        <Icon name="table" />
        <span className="dataset-name">
          {dataset.name}
          <small>{countOf(dataset.rowCount, 'row')}</small>
        </span>
      </Link>
      <button
        type="button"
        className="button quiet icon-only"
        aria-label={`Ready query for ${dataset.name}`}
        title="Ready query"
        onClick={openReadyQuery}
      >
        <Icon name="play" />
      </button>
    </li>
  );
}
