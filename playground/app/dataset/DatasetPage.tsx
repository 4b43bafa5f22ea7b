import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useDatasets, type Dataset } from '../api/catalog';
import { messageOf } from '../api/error';
import { countOf } from '../format';
import { Busy } from '../shell/Busy';
import { ColumnList } from './ColumnList';
import './dataset.css';
import { useDetails } from './details';
import { NoticeList } from './NoticeList';
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
  const view = search.view ?? 'rows';
  const details = useDetails(dataset);
  const notices = details.data?.notices ?? [];
  const fileName = details.data?.source?.fileName ?? dataset.label;
  const tabs = {
    rows: 'Rows',
    columns: 'Columns',
    notices: notices.length === 0 ? 'Notices' : `Notices (${notices.length})`,
  };
  return (
    <div className="dataset-page">
      <div className="dataset-title">
        <h1>{dataset.name}</h1>
        <p className="hint">
          {fileName !== dataset.name && `${fileName}, `}
          {countOf(dataset.rowCount, 'row')}, version {dataset.version}
        </p>
        <span className="spacer" />
        <div className="segments" role="group" aria-label="View">
          {typedEntries(tabs).map(([tab, label]) => (
            <button
              key={tab}
              type="button"
              className="button"
              aria-pressed={view === tab}
              onClick={() => change({ view: tab === 'rows' ? undefined : tab })}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      {details.error && view !== 'rows' && (
        <p role="alert" className="failure">
          {details.error.message}
        </p>
      )}
      {view === 'rows' && <RowsTab dataset={dataset} search={search} onChange={change} />}
      {view === 'columns' && (
        <ColumnList
          dataset={dataset}
          details={details.data}
          onFilter={(column, value) =>
            change({ view: undefined, filters: [{ column, operator: '_eq', value }] })
          }
        />
      )}
      {view === 'notices' && details.data && <NoticeList notices={notices} />}
    </div>
  );
}

function typedEntries<Key extends string, Value>(record: Record<Key, Value>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}

/** An address without the parts that say nothing. */
function withoutEmpty(search: SearchChange): DatasetSearch {
  const said = Object.entries(search).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(said);
}
