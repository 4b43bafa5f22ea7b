import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { useDatasets } from '../api/catalog';
import { request } from '../api/graphql';
import { PlaygroundExplainDocument, type PlaygroundExplainQuery } from '../api/operations';
import { readyQuery } from '../api/ready-query';
import { formatCount } from '../format';
import { Problem } from '../shell/Problem';

type Explanation = PlaygroundExplainQuery['explain'];

/** What a query would cost and how it would be run, before anybody runs it. */
export function Explain(): ReactElement {
  const [query, setQuery] = useState('');
  const [variables, setVariables] = useState('');
  const [explanation, setExplanation] = useState<Explanation | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const { data: datasets } = useDatasets();
  const ids = { query: useId(), variables: useId() };
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const given: unknown = variables.trim() === '' ? {} : JSON.parse(variables);
      setExplanation(
        (await request(PlaygroundExplainDocument, { query, variables: given })).explain,
      );
    } catch (error) {
      setExplanation(null);
      setProblem(
        error instanceof SyntaxError
          ? new Error(`The variables are not JSON: ${error.message}`)
          : error,
      );
    } finally {
      setBusy(false);
    }
  }
  return (
    <section aria-labelledby="explain">
      <h2 id="explain">Explain a query</h2>
      <p className="hint">
        Its cost against the limit, whether its answer is in the cache, which index it uses, and
        what would help. It is not run.
      </p>
      <form className="form" onSubmit={(event) => void submit(event)}>
        <div className="label-row">
          <label htmlFor={ids.query}>Query</label>
          {datasets?.[0] && (
            <button
              type="button"
              className="button quiet"
              onClick={() => datasets[0] && setQuery(readyQuery(datasets[0]))}
            >
              An example
            </button>
          )}
        </div>
        <textarea
          id={ids.query}
          className="input mono"
          rows={6}
          spellCheck={false}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
        <label htmlFor={ids.variables}>Variables (JSON)</label>
        <textarea
          id={ids.variables}
          className="input mono"
          rows={2}
          spellCheck={false}
          value={variables}
          onChange={(event) => setVariables(event.target.value)}
        />
        {problem !== null && <Problem error={problem} />}
        <div className="actions">
          <button type="submit" className="button primary" disabled={isBusy || query.trim() === ''}>
            {isBusy ? 'Explaining…' : 'Explain'}
          </button>
        </div>
      </form>
      {explanation && <Told explanation={explanation} />}
    </section>
  );
}

function Told({ explanation }: { explanation: Explanation }): ReactElement {
  const { cost, maxCost, fields } = explanation;
  return (
    <div className="explanation" role="status">
      <p>
        Cost <strong>{formatCount(cost)}</strong> of at most {formatCount(maxCost)}
      </p>
      {fields.map((field) => (
        <article key={field.key} className="card">
          <h3>{field.key}</h3>
          <p className="tags">
            <span className="tag" data-tone={field.cheap ? 'good' : 'quiet'}>
              {field.cheap ? 'reads few rows' : 'may read many rows'}
            </span>
            <span className="tag" data-tone={field.cached ? 'good' : 'quiet'}>
              {field.cached ? 'in the cache' : 'not in the cache'}
            </span>
            {field.index !== null && <span className="tag">index {field.index}</span>}
            <span className="hint">cost {formatCount(field.cost)}</span>
          </p>
          {field.wish !== null && <p>{field.wish}</p>}
          {field.sql !== null && (
            <details>
              <summary>The statement and the database’s plan</summary>
              <pre tabIndex={0}>{field.sql}</pre>
              <pre tabIndex={0}>{field.databasePlan.join('\n')}</pre>
            </details>
          )}
        </article>
      ))}
    </div>
  );
}
