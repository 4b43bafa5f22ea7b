import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useMe } from '../api/me';
import { Busy } from '../shell/Busy';
import { Problem } from '../shell/Problem';
import './queries.css';
import { QueryCard } from './QueryCard';
import { SaveQuery } from './SaveQuery';
import { queriesFound } from './search';
import { useSavedQueries, type SavedQuery } from './use';

const SEARCH_FROM = 8;

/** Queries with addresses of their own. */
export default function QueriesPage(): ReactElement {
  const { data: queries, error, refetch } = useSavedQueries();
  const [edited, setEdited] = useState<SavedQuery | null>(null);
  return (
    <div className="room">
      <div className="room-title">
        <h1>Saved queries</h1>
      </div>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {queries === undefined ? (
        !error && <Busy label="Loading the saved queries" />
      ) : queries.length === 0 ? (
        <Empty />
      ) : (
        <QueryList queries={queries} onEdit={setEdited} />
      )}
      {edited && (
        <SaveQuery document={edited.document} edited={edited} onClose={() => setEdited(null)} />
      )}
    </div>
  );
}

/** What this is for. */
function Empty(): ReactElement {
  const { isAdmin } = useMe();
  return (
    <>
      <p>
        There is no saved query yet. One answers at an address of its own, as JSON, CSV or Excel:
        for scripts, spreadsheets and dashboards that speak no GraphQL. A key can be made that does
        just that.
      </p>
      {isAdmin ? (
        <p>
          Write a query in <Link to="/graphiql">GraphiQL</Link>, then save it there.
        </p>
      ) : (
        <p>An admin of this workspace can save one.</p>
      )}
    </>
  );
}

function QueryList(props: {
  queries: SavedQuery[];
  onEdit: (query: SavedQuery) => void;
}): ReactElement {
  const { queries, onEdit } = props;
  const { q = '' } = useSearch({ from: '/queries' });
  const navigate = useNavigate({ from: '/queries' });
  const shown = queriesFound(queries, q);
  return (
    <>
      <p className="hint">
        Each answers at its address, by GET and with a key: JSON, or a table with <code>.csv</code>{' '}
        or <code>.xlsx</code> behind it. Variables are parameters of the address.
      </p>
      {(queries.length >= SEARCH_FROM || q !== '') && (
        <input
          type="search"
          className="input query-search"
          placeholder="Search names and descriptions"
          aria-label="Search names and descriptions"
          value={q}
          onChange={({ target }) =>
            void navigate({ search: target.value === '' ? {} : { q: target.value }, replace: true })
          }
        />
      )}
      {shown.length === 0 && <p className="hint">None has these words.</p>}
      <ul className="policies" aria-label="Saved queries">
        {shown.map((query) => (
          <QueryCard
            key={query.name}
            query={query}
            isOpenAtFirst={q !== '' && shown.length === 1}
            onEdit={() => onEdit(query)}
          />
        ))}
      </ul>
    </>
  );
}
