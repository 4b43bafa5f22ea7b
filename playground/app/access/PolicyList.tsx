import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useDatasets } from '../api/catalog';
import { request } from '../api/graphql';
import { PlaygroundDropPolicyDocument } from '../api/operations';
import { Busy } from '../shell/Busy';
import { Confirm } from '../shell/Confirm';
import { Icon } from '../shell/Icon';
import { Problem } from '../shell/Problem';
import { When } from '../shell/When';
import { PolicyForm } from './PolicyForm';
import { SeeAs } from './SeeAs';
import { ACCESS_QUERY_KEY, usePolicies, type Policy } from './use';

/** What roles may see and do, dataset by dataset. */
export function PolicyList(): ReactElement {
  const { data: policies, error, isPending } = usePolicies();
  const { data: datasets } = useDatasets();
  const { dataset: wanted } = useSearch({ from: '/access' });
  const navigate = useNavigate({ from: '/access' });
  /** The policy that is edited; `new` for one that is made. */
  const [edited, setEdited] = useState<Policy | 'new' | null>(null);
  const shown = policies
    ?.filter(({ dataset }) => wanted === undefined || dataset === wanted)
    .toSorted((one, other) =>
      `${one.dataset} ${one.role}`.localeCompare(`${other.dataset} ${other.role}`),
    );
  return (
    <>
      <div className="tab-head">
        <p className="hint">
          A key with a role sees only datasets with a policy for that role, or for <code>*</code>,
          which is everybody without a policy of their own. <code>anonymous</code> is who has no
          key.
        </p>
        <span className="spacer" />
        <label className="inline">
          Dataset
          <select
            className="input"
            value={wanted ?? ''}
            onChange={(event) =>
              void navigate({
                search: {
                  tab: 'policies',
                  ...(event.target.value !== '' && { dataset: event.target.value }),
                },
              })
            }
          >
            <option value="">All</option>
            {datasets?.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className="button primary"
          disabled={!datasets || datasets.length === 0}
          onClick={() => setEdited('new')}
        >
          <Icon name="plus" />
          New policy
        </button>
      </div>
      {edited !== null && (
        <PolicyForm
          policy={edited === 'new' ? null : edited}
          dataset={edited === 'new' ? (wanted ?? datasets?.[0]?.name ?? '') : edited.dataset}
          onClose={() => setEdited(null)}
        />
      )}
      {error && <Problem error={error} />}
      {isPending && <Busy label="Loading the policies" />}
      {shown?.length === 0 && (
        <p className="hint">
          There is no policy{wanted !== undefined && ` of ${wanted}`}: keys without a role see and
          do what their scope allows, keys with a role see nothing.
        </p>
      )}
      <ul className="policies" aria-label="Policies">
        {shown?.map((policy) => (
          <PolicyItem
            key={`${policy.dataset} ${policy.role}`}
            policy={policy}
            onEdit={() => setEdited(policy)}
          />
        ))}
      </ul>
    </>
  );
}

function PolicyItem({ policy, onEdit }: { policy: Policy; onEdit: () => void }): ReactElement {
  const { dataset, role, filter, check, columns, masks, operations, maxRows } = policy;
  const queryClient = useQueryClient();
  const what = `${role} of ${dataset}`;
  return (
    <li className="card" aria-label={`Policy for ${what}`}>
      <div className="job-title">
        <h3>
          {dataset} <span className="hint">for</span> {role}
        </h3>
        <span className="spacer" />
        <SeeAs role={role} claims={null} datasets={null} dataset={dataset} />
        <button
          type="button"
          className="button"
          aria-label={`Edit the policy for ${what}`}
          onClick={onEdit}
        >
          Edit
        </button>
        <Confirm
          trigger={
            <button type="button" className="button" aria-label={`Drop the policy for ${what}`}>
              Drop
            </button>
          }
          title={`Drop the policy for ${what}?`}
          action="Drop the policy"
          isDanger
          onConfirm={async () => {
            await request(PlaygroundDropPolicyDocument, { dataset, role });
            await queryClient.invalidateQueries({ queryKey: [ACCESS_QUERY_KEY] });
          }}
        >
          <p>It ends at once, for everything that is read and written.</p>
        </Confirm>
      </div>
      <p className="tags">
        {operations.map((operation) => (
          <span key={operation} className="tag">
            {operation}
          </span>
        ))}
        {maxRows !== null && <span className="tag">at most {maxRows} rows a list</span>}
      </p>
      <dl className="facts">
        <div>
          <dt>Rows</dt>
          <dd>{filter === null ? 'all' : <code>{JSON.stringify(filter)}</code>}</dd>
        </div>
        {check !== null && (
          <div>
            <dt>Written rows must fit</dt>
            <dd>
              <code>{JSON.stringify(check)}</code>
            </dd>
          </div>
        )}
        <div>
          <dt>Columns</dt>
          <dd>{columns === null ? 'all' : columns.join(', ')}</dd>
        </div>
        {masks.length > 0 && (
          <div>
            <dt>Masks</dt>
            <dd>{masks.map(({ column, mask }) => `${column} ${mask}`).join(', ')}</dd>
          </div>
        )}
      </dl>
      <p className="hint">
        Set by {policy.updatedBy} <When at={policy.updatedAt} />
      </p>
    </li>
  );
}
