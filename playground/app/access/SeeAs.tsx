import { useQuery } from '@tanstack/react-query';
import { useId, useState, type ReactElement } from 'react';
import { useDatasets } from '../api/catalog';
import { countOf } from '../format';
import { Busy } from '../shell/Busy';
import { Icon } from '../shell/Icon';
import { SelectField } from '../shell/Field';
import { Modal } from '../shell/Modal';
import { Problem } from '../shell/Problem';
import { readObject } from './json';
import { seeAs, type Eyes, type View } from './see-as';

/** Shows a dataset as a role sees it. */
export function SeeAs(props: {
  role: string | null;
  claims: unknown;
  datasets: readonly string[] | null;
  /** The dataset that is looked at first. */
  dataset?: string;
}): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const who = props.role ?? 'a key without a role';
  return (
    <Modal
      isOpen={isOpen}
      onOpenChange={setOpen}
      isWide
      title={`As ${who} sees it`}
      description="A short-lived key of this role is made, used once, and revoked."
      trigger={
        <button type="button" className="button" aria-label={`See as ${who}`}>
          <Icon name="look" />
          See as
        </button>
      }
    >
      <Preview {...props} />
    </Modal>
  );
}

function Preview(props: {
  role: string | null;
  claims: unknown;
  datasets: readonly string[] | null;
  dataset?: string;
}): ReactElement {
  const { data: datasets } = useDatasets();
  const [dataset, setDataset] = useState(props.dataset ?? datasets?.[0]?.name ?? '');
  const [claimsText, setClaimsText] = useState(() => textOf(props.claims));
  const [eyes, setEyes] = useState<Eyes>({
    role: props.role,
    claims: props.claims,
    datasets: props.datasets,
  });
  const id = useId();
  const claims = readObject(claimsText);
  const view = useQuery({
    queryKey: ['see-as', eyes, dataset],
    queryFn: ({ signal }) => seeAs(eyes, dataset, signal),
    retry: false,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  return (
    <>
      <form
        className="fields"
        onSubmit={(event) => {
          event.preventDefault();
          if (claims.problem === null) setEyes({ ...eyes, claims: claims.value });
        }}
      >
        <SelectField
          label="Dataset"
          value={dataset}
          options={(datasets ?? []).map(({ name }) => [name, name])}
          onChange={setDataset}
        />
        {props.role !== 'anonymous' && (
          <div className="field grow">
            <label htmlFor={`${id}-claims`}>Claims</label>
            <div className="beside">
              <input
                id={`${id}-claims`}
                className="input mono"
                spellCheck={false}
                placeholder='{ "team": "north" }'
                value={claimsText}
                aria-invalid={claims.problem !== null}
                aria-describedby={`${id}-problem`}
                onChange={(event) => setClaimsText(event.target.value)}
              />
              <button type="submit" className="button" disabled={claims.problem !== null}>
                Look
              </button>
            </div>
            <p id={`${id}-problem`} className="field-problem">
              {claims.problem}
            </p>
          </div>
        )}
      </form>
      {view.isFetching && <Busy label="Looking" />}
      {view.isError && <Problem error={view.error} />}
      {view.data && !view.isFetching && <Seen view={view.data} dataset={dataset} />}
    </>
  );
}

function Seen({ view, dataset }: { view: View; dataset: string }): ReactElement {
  const { seen, datasets } = view;
  const others = datasets.filter((name) => name !== dataset);
  return (
    <div role="status" className="seen">
      {seen === null ? (
        <p className="remark">The dataset {dataset} is not seen at all.</p>
      ) : (
        <>
          <p>
            {seen.count === null
              ? `${seen.rows.length} rows, and no count: this role may not aggregate.`
              : `${countOf(seen.count, 'row')} with ${countOf(seen.columns.length, 'column')}.`}
          </p>
          <div
            className="wide-table preview"
            tabIndex={0}
            role="region"
            aria-label={`Rows of ${dataset} as they are seen`}
          >
            <table className="table">
              <thead>
                <tr>
                  {seen.columns.map((name) => (
                    <th key={name}>{name}</th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {seen.rows.map((row, at) => (
                  <tr key={at}>
                    {seen.columns.map((name) => (
                      <td key={name} className={row[name] === null ? 'null' : undefined}>
                        {textOf(row[name]) || 'null'}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
      <p className="hint">
        {others.length === 0
          ? 'No other dataset is seen.'
          : `Also seen: ${others.slice(0, 12).join(', ')}${others.length > 12 ? '…' : ''}.`}
      </p>
    </div>
  );
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
