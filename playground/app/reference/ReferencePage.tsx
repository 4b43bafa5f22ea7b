import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useState, type ReactElement } from 'react';
import { readText } from '../api/rest';
import { download } from '../download';
import { countOf } from '../format';
import { mayAsk, useSession } from '../session/session';
import { Busy } from '../shell/Busy';
import { Icon } from '../shell/Icon';
import { Problem } from '../shell/Problem';
import { groupsOf, type Group, type OpenApi } from './document';
import { Fold } from '../shell/Fold';
import { OperationView } from './OperationView';
import './reference.css';
import { SchemaView } from './SchemaView';

/** As many operations are shown at once; of more, the groups are opened by whoever wants them. */
const MAX_OPEN = 40;

/** All routes of the REST API that the key may use, as `/openapi.json` describes them. */
export default function ReferencePage(): ReactElement {
  const key = useSession((session) => session.key);
  const isEnabled = useSession(mayAsk);
  const { data, error, refetch } = useQuery({
    queryKey: ['openapi', key],
    enabled: isEnabled,
    queryFn: async ({ signal }) => JSON.parse(await readText('/openapi.json', signal)) as OpenApi,
  });
  return (
    <div className="room reference">
      <div className="room-title">
        <h1>API reference</h1>
        <Files />
      </div>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined ? !error && <Busy label="Loading" /> : <Whole document={data} />}
    </div>
  );
}

/** The description itself, for tools. */
function Files(): ReactElement {
  const [problem, setProblem] = useState<unknown>(null);
  function get(name: string, contentType: string): void {
    readText(`/${name}`).then((text) => {
      setProblem(null);
      download(name, contentType, text);
    }, setProblem);
  }
  return (
    <>
      <button
        type="button"
        className="button"
        onClick={() => get('openapi.json', 'application/json')}
      >
        <Icon name="download" />
        openapi.json
      </button>
      <button
        type="button"
        className="button"
        onClick={() => get('openapi.yaml', 'application/yaml')}
      >
        <Icon name="download" />
        openapi.yaml
      </button>
      <Problem error={problem} />
    </>
  );
}

function Whole({ document }: { document: OpenApi }): ReactElement {
  const { q = '' } = useSearch({ from: '/reference' });
  const navigate = useNavigate({ from: '/reference' });
  const words = useDeferredValue(q);
  const groups = useMemo(() => groupsOf(document, words), [document, words]);
  const nFound = groups.reduce((n, group) => n + group.operations.length, 0);
  const isSearched = words.trim() !== '';
  return (
    <>
      <div className="reference-search">
        <input
          type="search"
          className="input"
          placeholder="Search by path, dataset or words"
          aria-label="Search routes"
          value={q}
          onChange={({ target }) =>
            void navigate({
              search: target.value === '' ? {} : { q: target.value },
              replace: true,
            })
          }
        />
        <span className="hint" role="status">
          {isSearched && (nFound === 0 ? 'No route has these words.' : countOf(nFound, 'route'))}
        </span>
      </div>
      {!isSearched && <Begin document={document} />}
      {groups.map((group) => (
        <GroupView
          // Opened anew by each search, and then left to the reader.
          key={`${group.tag} ${isSearched ? words : ''}`}
          document={document}
          group={group}
          isOpenAtFirst={nFound <= MAX_OPEN}
          isOnly={nFound === 1}
        />
      ))}
    </>
  );
}

/** What holds for all routes: how to sign in, and what errors look like. */
function Begin({ document }: { document: OpenApi }): ReactElement {
  const { securitySchemes, schemas } = document.components;
  const problem = schemas['Problem'];
  return (
    <section className="card" aria-labelledby="begin">
      <h2 id="begin">For all routes</h2>
      <p>{document.info.description}</p>
      <ul className="plain-list">
        {Object.entries(securitySchemes).map(([name, scheme]) => (
          <li key={name}>
            <code>
              {scheme.type === 'http' ? 'Authorization: Bearer KEY' : `${scheme.name ?? ''}: KEY`}
            </code>
            {scheme.description !== undefined && `: ${scheme.description}`}
          </li>
        ))}
      </ul>
      {problem && (
        <Fold className="schema" title="Errors are problems by RFC 9457">
          {() => (
            <SchemaView
              document={document}
              schema={problem}
              mediaType="application/problem+json"
              label="a problem"
            />
          )}
        </Fold>
      )}
    </section>
  );
}

function GroupView(props: {
  document: OpenApi;
  group: Group;
  isOpenAtFirst: boolean;
  isOnly: boolean;
}): ReactElement {
  const { document, group, isOpenAtFirst, isOnly } = props;
  return (
    <Fold
      className="operations"
      isOpenAtFirst={isOpenAtFirst}
      title={
        <>
          <h2>{group.tag}</h2>
          <span className="hint">
            {countOf(group.operations.length, 'route')}
            {group.description !== null && `. ${group.description}`}
          </span>
        </>
      }
    >
      {() =>
        group.operations.map((operation) => (
          <OperationView
            key={operation.operationId}
            document={document}
            operation={operation}
            isOpenAtFirst={isOnly}
          />
        ))
      }
    </Fold>
  );
}
