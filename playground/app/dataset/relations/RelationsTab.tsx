import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundDropRelationDocument } from '../../api/operations';
import { formatCount } from '../../format';
import { Busy } from '../../shell/Busy';
import { useChange } from '../change';
import type { Relation } from '../details';
import { useMay } from '../may';
import { Modal } from '../Modal';
import { Confirm } from '../../shell/Confirm';
import { Progress } from '../Progress';
import { Problem } from '../../shell/Problem';
import type { TabProps } from '../tabs';
import { RelationForm } from './RelationForm';
import { useSuggestions, type Suggestion } from './relations';

/** What links this dataset with others: declared, and suggested by the data. */
export default function RelationsTab({ dataset, details }: TabProps): ReactElement {
  const mayChange = useMay('UPLOAD');
  const { relations } = details;
  return (
    <div className="tab-page">
      <section className="tab-section" aria-labelledby="declared-relations">
        <div className="tab-bar">
          <h2 id="declared-relations">Declared</h2>
          <Link to="/relations" className="button">
            Picture of all datasets
          </Link>
          {mayChange && (
            <Modal
              title="Declare a relation"
              trigger={
                <button type="button" className="button">
                  Declare a relation
                </button>
              }
            >
              {(close) => <RelationForm dataset={dataset} onDone={close} />}
            </Modal>
          )}
        </div>
        {relations.length === 0 ? (
          <p className="hint">
            None. A relation gives rows a field that leads to the rows of another dataset.
          </p>
        ) : (
          <ul className="entries" aria-label="Declared relations">
            {relations.map((relation) => (
              <DeclaredRelation
                key={`${relation.from}.${relation.name}`}
                dataset={dataset}
                relation={relation}
                mayChange={mayChange}
              />
            ))}
          </ul>
        )}
      </section>
      {mayChange && <Suggestions dataset={dataset} />}
    </div>
  );
}

function DeclaredRelation(props: {
  dataset: Dataset;
  relation: Relation;
  mayChange: boolean;
}): ReactElement {
  const { name, inverseName, from, column, to, toColumn, active } = props.relation;
  const drop = useChange(async (relation: Relation) => {
    await request(PlaygroundDropRelationDocument, { from: relation.from, name: relation.name });
    return null;
  });
  const other = from === props.dataset.name ? to : from;
  return (
    <li className="entry">
      <div className="entry-title">
        <strong>
          <code>
            {from}.{column}
          </code>{' '}
          → <code>{to === null ? 'a dropped dataset' : `${to}.${toColumn}`}</code>
        </strong>
        {!active && (
          <span className="fact-tag" data-tone="bad">
            at rest: a column is gone or cannot be compared
          </span>
        )}
        <span className="spacer" />
        {other !== null && other !== props.dataset.name && (
          <Link to="/datasets/$name" params={{ name: other }} className="button compact">
            Open {other}
          </Link>
        )}
        {props.mayChange && (
          <Confirm
            title={`Drop the relation ${name}?`}
            action="Drop the relation"
            isDanger
            onConfirm={() => drop.mustRun(props.relation)}
            progress={<Progress change={drop} />}
            trigger={
              <button
                type="button"
                className="button compact danger"
                aria-label={`Drop the relation ${name}`}
              >
                Drop
              </button>
            }
          >
            <p>
              Queries that ask for <code>{name}</code> of {from} or <code>{inverseName}</code> of{' '}
              {to ?? 'the other dataset'} fail from then on. Rows and indexes stay.
            </p>
          </Confirm>
        )}
      </div>
      <p className="hint">
        Field <code>{name}</code> of {from} leads to the one row; field <code>{inverseName}</code>
        {to !== null && ` of ${to}`} leads back to the list.
      </p>
    </li>
  );
}

function Suggestions({ dataset }: { dataset: Dataset }): ReactElement {
  const { data, error, refetch } = useSuggestions(dataset, true);
  return (
    <section className="tab-section" aria-labelledby="suggested-relations">
      <h2 id="suggested-relations">Suggested by the data</h2>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Busy label="Comparing columns" />}
      {data?.length === 0 && (
        <p className="hint">No column’s values are found in a key of another dataset.</p>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className="entries" aria-label="Suggested relations">
          {data.map((suggestion) => (
            <SuggestedRelation
              key={`${suggestion.from}.${suggestion.column}.${suggestion.to}.${suggestion.toColumn}`}
              dataset={dataset}
              suggestion={suggestion}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

function SuggestedRelation(props: { dataset: Dataset; suggestion: Suggestion }): ReactElement {
  const { from, column, to, toColumn, coverage, orphans, evidence } = props.suggestion;
  return (
    <li className="entry">
      <div className="entry-title">
        <strong>
          <code>
            {from}.{column}
          </code>{' '}
          →{' '}
          <code>
            {to}.{toColumn}
          </code>
        </strong>
        <span className="fact-tag" data-tone={orphans === '0' ? 'good' : undefined}>
          {orphans === '0'
            ? 'every row fits'
            : `${Math.floor(coverage * 1000) / 10} % fit, ${formatCount(orphans)} do not`}
        </span>
        <span className="spacer" />
        <Modal
          title="Accept the relation"
          trigger={
            <button
              type="button"
              className="button compact primary"
              aria-label={`Accept ${from}.${column} to ${to}.${toColumn}`}
            >
              Accept
            </button>
          }
        >
          {(close) => (
            <RelationForm dataset={props.dataset} suggestion={props.suggestion} onDone={close} />
          )}
        </Modal>
      </div>
      <p className="hint">{evidence}</p>
    </li>
  );
}
