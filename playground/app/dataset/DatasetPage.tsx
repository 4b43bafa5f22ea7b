import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useDatasets, type Dataset } from '../api/catalog';
import { messageOf } from '../api/error';
import { countOf } from '../format';
import { Busy } from '../shell/Busy';
import { ColumnList } from './ColumnList';
import './dataset.css';
import { RowsTab } from './RowsTab';
import type { DatasetSearch, SearchChange } from './search';

/** One dataset: its rows, its columns. */
export default function DatasetPage(): ReactElement {
  const { name } = useParams({ from: '/datasets/$name' });
  const { data: datasets, error, isPending } = useDatasets();
  const dataset = datasets?.find((candidate) => candidate.name === name);
  if (dataset) return <DatasetView key={dataset.name} dataset={dataset} />;
  if (isPending) return <Busy label="Loading the dataset" />;
  return (
    <div className="page">
      <h1>{name}</h1>
      <p role="alert" className="failure">
        {error && datasets === undefined
          ? messageOf(error)
          : 'There is no dataset of this name, or your key may not see it.'}
      </p>
      <Link to="/">To the start</Link>
    </div>
  );
}

function DatasetView({ dataset }: { dataset: Dataset }): ReactElement {
  const search = useSearch({ from: '/datasets/$name' });
  const navigate = useNavigate({ from: '/datasets/$name' });
  function change(changed: SearchChange): void {
    void navigate({ search: (now) => withoutEmpty({ ...now, ...changed }), replace: false });
  }
  const isColumns = search.view === 'columns';
  return (
    <div className="dataset-page">
      <div className="dataset-title">
        <h1>{dataset.name}</h1>
        <p className="hint">
          {dataset.label !== dataset.name && `${dataset.label}, `}
          {countOf(dataset.rowCount, 'row')}, version {dataset.version}
        </p>
        <span className="spacer" />
        <div className="segments" role="group" aria-label="View">
          <button
            type="button"
            className="button"
            aria-pressed={!isColumns}
            onClick={() => change({ view: undefined })}
          >
            Rows
          </button>
          <button
            type="button"
            className="button"
            aria-pressed={isColumns}
            onClick={() => change({ view: 'columns' })}
          >
            Columns
          </button>
        </div>
      </div>
      {isColumns ? (
        <ColumnList dataset={dataset} />
      ) : (
        <RowsTab dataset={dataset} search={search} onChange={change} />
      )}
    </div>
  );
}

/** An address without the parts that say nothing. */
function withoutEmpty(search: SearchChange): DatasetSearch {
  const said = Object.entries(search).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(said);
}
