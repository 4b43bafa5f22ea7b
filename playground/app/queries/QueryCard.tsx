import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { request } from '../api/graphql';
import { useMe } from '../api/me';
import { PlaygroundDropSavedQueryDocument } from '../api/operations';
import { SnippetTabs } from '../dataset/tools/SnippetTabs';
import { openQuery } from '../editor/requests';
import { countOf } from '../format';
import { useSession } from '../session/session';
import { Confirm } from '../shell/Confirm';
import { Fold } from '../shell/Fold';
import { When } from '../shell/When';
import { RunForm } from './RunForm';
import { QUERIES_QUERY_KEY, type SavedQuery } from './use';

/** A saved query: what it is, whether it can be run, and all that can be done with it. */
export function QueryCard(props: {
  query: SavedQuery;
  isOpenAtFirst: boolean;
  onEdit: () => void;
}): ReactElement {
  const { query, isOpenAtFirst, onEdit } = props;
  const { name, path, description, document, problems, variables, updatedAt } = query;
  const key = useSession((session) => session.key);
  const { isAdmin } = useMe();
  const navigate = useNavigate();
  function openInEditor(): void {
    openQuery(document);
    void navigate({ to: '/graphiql' });
  }
  return (
    <li className="card" aria-label={`Saved query ${name}`}>
      <div className="job-title">
        <h2>
          <strong>{name}</strong>
        </h2>
        <Tags query={query} />
        <span className="spacer" />
        <div className="row-actions">
          <button
            type="button"
            className="button"
            aria-label={`Open in GraphiQL: ${name}`}
            onClick={openInEditor}
          >
            Open in GraphiQL
          </button>
          {isAdmin && (
            <>
              <button type="button" className="button" aria-label={`Edit ${name}`} onClick={onEdit}>
                Edit
              </button>
              <Delete query={query} />
            </>
          )}
        </div>
      </div>
      {description !== null && <p className="query-description">{description}</p>}
      {problems.length > 0 && (
        <div className="failure">
          <p>It cannot be run now. Correct it, or what it asks for.</p>
          <ul className="plain-list">
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
      <dl className="facts">
        <div>
          <dt>Address</dt>
          <dd>
            <code>{path}</code>
          </dd>
        </div>
        <div>
          <dt>Variables</dt>
          <dd>
            {variables.length === 0
              ? 'none'
              : variables.map((variable) => (
                  <p key={variable.name}>
                    <code>
                      {variable.name}: {variable.type}
                    </code>
                    {variable.required && <span className="hint"> must be given</span>}
                  </p>
                ))}
          </dd>
        </div>
      </dl>
      {problems.length === 0 && (
        <>
          <Fold
            title="Run it"
            className="query-part"
            isOpenAtFirst={isOpenAtFirst}
            // What was answered before a change is no answer of it.
            key={updatedAt}
          >
            {() => <RunForm query={query} />}
          </Fold>
          <Fold title="Use it elsewhere" className="query-part">
            {() => (
              <SnippetTabs
                path={`${path}/snippets`}
                queryKey={[QUERIES_QUERY_KEY, key, name, updatedAt]}
                what={name}
              />
            )}
          </Fold>
        </>
      )}
      <Fold title="The query" className="query-part" isOpenAtFirst={problems.length > 0}>
        {() => (
          <pre tabIndex={0} role="region" aria-label={`Document of ${name}`}>
            {document}
          </pre>
        )}
      </Fold>
      <p className="hint">
        Saved by {query.updatedBy} <When at={updatedAt} />
      </p>
    </li>
  );
}

function Tags({ query }: { query: SavedQuery }): ReactElement {
  const { problems, maxAge, requestsPerMinute } = query;
  return (
    <span className="tags">
      {problems.length > 0 && (
        <span className="tag" data-tone="bad">
          broken
        </span>
      )}
      {maxAge !== null && <span className="tag">kept for {countOf(maxAge, 'second')}</span>}
      {requestsPerMinute !== null && (
        <span className="tag">at most {requestsPerMinute} a minute</span>
      )}
      {!query.protected && <span className="tag">not protected</span>}
    </span>
  );
}

function Delete({ query: { name, path } }: { query: SavedQuery }): ReactElement {
  const queryClient = useQueryClient();
  return (
    <Confirm
      trigger={
        <button type="button" className="button" aria-label={`Delete ${name}`}>
          Delete
        </button>
      }
      title={`Delete the saved query ${name}?`}
      action="Delete it"
      isDanger
      onConfirm={async () => {
        await request(PlaygroundDropSavedQueryDocument, { name });
        await queryClient.invalidateQueries({ queryKey: [QUERIES_QUERY_KEY] });
      }}
    >
      <p>
        <code>{path}</code> answers nobody any more: scripts and spreadsheets that ask it are told
        that there is no such query. The data stay.
      </p>
    </Confirm>
  );
}
