import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { ROWS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { requestText } from '../../api/graphql';
import { fieldNames } from '../../api/ready-query';
import { countOf } from '../../format';
import { Busy } from '../../shell/Busy';
import { Pager } from '../Pager';
import { Problem } from '../Problem';
import { asOfQuery } from './as-of';
import { Value } from './VersionDiff';
import { PAGE_ROWS } from './versions';

interface Answer {
  rows: Record<string, unknown>[];
  all: { aggregate: { count: number | string } };
}

/** The rows as they were in a version, page by page. */
export function AsOfRows(props: {
  dataset: Dataset;
  version: number;
  onClose: () => void;
}): ReactElement {
  const { dataset, version } = props;
  const [page, setPage] = useState(0);
  const fields = fieldNames(dataset.columns);
  const { data, error, refetch } = useQuery({
    queryKey: [ROWS_QUERY_KEY, dataset.name, dataset.version, 'as of', version, page],
    queryFn: ({ signal }) =>
      requestText<Answer>(
        asOfQuery(dataset, fields),
        { version, limit: PAGE_ROWS, offset: page * PAGE_ROWS },
        signal,
      ),
    placeholderData: keepPreviousData,
  });
  return (
    <div className="tab-page">
      <div className="tab-bar">
        <button type="button" className="button" onClick={props.onClose}>
          All versions
        </button>
        <p>
          Rows as they were in version {version}
          {data && <span className="hint">: {countOf(data.all.aggregate.count, 'row')}</span>}
        </p>
      </div>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Busy label="Loading the rows" />}
      {data?.rows.length === 0 && <p className="nothing">This version had no rows.</p>}
      {data && data.rows.length > 0 && (
        <>
          <div
            className="table-frame"
            tabIndex={0}
            role="region"
            aria-label={`Rows of version ${version}`}
          >
            <table className="facts-table diff-table">
              <thead>
                <tr>
                  {fields.map((field) => (
                    <th key={field} scope="col">
                      {dataset.columns.find(({ name }) => name === field)?.label ?? field}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {data.rows.map((row, index) => (
                  <tr key={index}>
                    {fields.map((field) => (
                      <td key={field}>
                        <Value value={row[field]} />
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <Pager
            label="rows"
            page={page}
            pageSize={PAGE_ROWS}
            count={Number(data.all.aggregate.count)}
            onPage={setPage}
          />
        </>
      )}
    </div>
  );
}
