import type { ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import {
  PlaygroundCreateSearchIndexDocument,
  PlaygroundDropIndexDocument,
} from '../../api/operations';
import { formatBytes } from '../../format';
import { useChange } from '../change';
import type { Index } from '../details';
import { useMay } from '../may';
import { Modal } from '../Modal';
import { Confirm } from '../../shell/Confirm';
import { Problem } from '../../shell/Problem';
import { Progress } from '../Progress';
import type { TabProps } from '../tabs';
import { formatInstant } from '../time';
import { IndexForm } from './IndexForm';
import './indexes.css';

const KIND_WORDS: Record<Index['kind'], string> = {
  KEY: 'for the key',
  MANUAL: 'by hand',
  RELATION: 'for a relation',
  AUTOMATIC: 'by itself',
};

/** What makes queries of this dataset quick, and who wanted it. */
export default function IndexesTab({ dataset, details }: TabProps): ReactElement {
  const mayChange = useMay('ADMIN');
  const { indexes } = details;
  const searchIndex = useChange(async (name: string) => {
    await request(PlaygroundCreateSearchIndexDocument, { dataset: name });
    return null;
  });
  const hasText = dataset.columns.some(({ type }) => type === 'STRING');
  const canSearch = hasText && !indexes.some(({ method }) => method === 'SEARCH');
  return (
    <div className="tab-page">
      {mayChange && (
        <div className="tab-bar">
          <Modal
            title="Build an index"
            trigger={
              <button type="button" className="button primary">
                Build an index
              </button>
            }
          >
            {(close) => <IndexForm dataset={dataset} onDone={close} />}
          </Modal>
          {canSearch && (
            <button
              type="button"
              className="button"
              disabled={searchIndex.isRunning}
              onClick={() => void searchIndex.run(dataset.name)}
            >
              Build a search index
            </button>
          )}
        </div>
      )}
      <Progress change={searchIndex} />
      <Problem error={searchIndex.error} />
      {mayChange && canSearch && (
        <p className="hint">
          A search index finds rows by the words of all text columns; without it a search reads
          every row.
        </p>
      )}
      {indexes.length === 0 ? (
        <p className="nothing">
          No index but the key’s own order. Sluice builds one by itself when queries wish for it
          often.
        </p>
      ) : (
        <div className="table-frame" tabIndex={0} role="region" aria-label="Indexes">
          <table className="facts-table foldable">
            <thead>
              <tr>
                <th scope="col">Columns</th>
                <th scope="col">Finds rows</th>
                <th scope="col">Built</th>
                <th scope="col" data-number>
                  Size
                </th>
                <th scope="col">When</th>
                {mayChange && (
                  <th scope="col">
                    <span className="unseen">Actions</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {indexes.map((index) => (
                <IndexRow key={index.name} {...{ dataset, index, mayChange }} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function IndexRow(props: { dataset: Dataset; index: Index; mayChange: boolean }): ReactElement {
  const { dataset, index } = props;
  const drop = useChange(async (name: string) => {
    await request(PlaygroundDropIndexDocument, { dataset: dataset.name, name });
    return null;
  });
  const columns = columnWords(index);
  return (
    <tr>
      <th scope="row">{columns}</th>
      <td>{index.method === 'SEARCH' ? 'by words' : 'by values, in order'}</td>
      <td>
        {KIND_WORDS[index.kind]}
        {(index.kind === 'RELATION' || index.kind === 'AUTOMATIC') && (
          <p className="hint">{index.reason}</p>
        )}
      </td>
      <td data-number data-label="Size">
        {index.sizeBytes === '0' ? 'with the rows' : formatBytes(Number(index.sizeBytes))}
      </td>
      <td>
        <time dateTime={index.builtAt}>{formatInstant(index.builtAt)}</time>
      </td>
      {props.mayChange && (
        <td>
          <div className="entry-actions">
            {index.kind !== 'KEY' && (
              <Confirm
                title={`Drop the index of ${columns}?`}
                action="Drop the index"
                isDanger
                onConfirm={() => drop.mustRun(index.name)}
                progress={<Progress change={drop} />}
                trigger={
                  <button
                    type="button"
                    className="button danger"
                    aria-label={`Drop the index of ${columns}`}
                  >
                    Drop
                  </button>
                }
              >
                <p>
                  Queries that it made quick read more rows from then on; their answers stay the
                  same.
                  {index.kind === 'AUTOMATIC' && ' It does not come back by itself for a day.'}
                </p>
              </Confirm>
            )}
          </div>
        </td>
      )}
    </tr>
  );
}

function columnWords({ columns, descending }: Index): string {
  return columns
    .map((column) => (descending.includes(column) ? `${column} descending` : column))
    .join(', ');
}
