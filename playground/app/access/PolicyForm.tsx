import { useQueryClient } from '@tanstack/react-query';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { useDatasets } from '../api/catalog';
import { messageOf } from '../api/error';
import { request } from '../api/graphql';
import { PlaygroundSetPolicyDocument, type Mask } from '../api/operations';
import { Field, SelectField } from '../shell/Field';
import { Modal } from '../shell/Modal';
import { Problem } from '../shell/Problem';
import { useRoles } from './MakeKey';
import {
  draftOf,
  fieldOfProblem,
  MASKS,
  OPERATIONS,
  problemsOf,
  variablesOf,
  type PolicyDraft,
  type Problems,
} from './policy';
import { useRelationNames } from './relation-names';
import { ACCESS_QUERY_KEY, type Policy } from './use';

/** Says what a role may see and do in a dataset. */
export function PolicyForm(props: {
  /** Null for a new one. */
  policy: Policy | null;
  dataset: string;
  onClose: () => void;
}): ReactElement {
  const [draft, setDraft] = useState(() => draftOf(props.policy, props.dataset));
  const [refused, setRefused] = useState<{ field: keyof Problems; error: unknown } | null>(null);
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const queryClient = useQueryClient();
  const { data: datasets } = useDatasets();
  const columns = datasets?.find(({ name }) => name === draft.dataset)?.columns ?? [];
  const relations = useRelationNames(draft.dataset);
  const roles = useRoles();
  const id = useId();
  const fields = [...columns.map(({ name }) => name), 'id', ...relations];
  const problems = problemsOf(draft, fields);
  // The role is not called wrong before anything was typed.
  const shown: Problems = { ...problems };
  if (!isTried && draft.role === '') delete shown.role;
  if (refused) shown[refused.field] ??= messageOf(refused.error);

  function change(changed: Partial<PolicyDraft>): void {
    setRefused(null);
    setDraft((now) => ({ ...now, ...changed }));
  }
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (Object.keys(problems).length > 0) return;
    setBusy(true);
    setRefused(null);
    try {
      await request(PlaygroundSetPolicyDocument, variablesOf(draft));
      await queryClient.invalidateQueries({ queryKey: [ACCESS_QUERY_KEY] });
      props.onClose();
    } catch (error) {
      setRefused({ field: fieldOfProblem(messageOf(error), draft), error });
    } finally {
      setBusy(false);
    }
  }
  const isNew = props.policy === null;
  return (
    <Modal
      isOpen
      onOpenChange={(isOpen) => !isOpen && props.onClose()}
      title={isNew ? 'A new policy' : `The policy for ${draft.role} of ${draft.dataset}`}
      isWide
    >
      <form className="form" noValidate onSubmit={(event) => void submit(event)}>
        {isNew && (
          <div className="fields">
            <SelectField
              label="Dataset"
              value={draft.dataset}
              options={(datasets ?? []).map(({ name }) => [name, name])}
              onChange={(dataset) => change({ dataset, columns: null, masks: {} })}
            />
            <Field label="Role" problem={shown.role}>
              {(control) => (
                <>
                  <input
                    {...control}
                    className="input"
                    list={`${id}-roles`}
                    value={draft.role}
                    onChange={(event) => change({ role: event.target.value })}
                  />
                  <datalist id={`${id}-roles`}>
                    {['*', 'anonymous', ...roles].map((role) => (
                      <option key={role} value={role} />
                    ))}
                  </datalist>
                </>
              )}
            </Field>
          </div>
        )}
        <fieldset>
          <legend>What may be done</legend>
          <div className="checks">
            {OPERATIONS.map((operation) => (
              <label key={operation} className="inline">
                <input
                  type="checkbox"
                  checked={draft.operations.includes(operation)}
                  onChange={(event) =>
                    change({
                      operations: OPERATIONS.filter((one) =>
                        one === operation ? event.target.checked : draft.operations.includes(one),
                      ),
                    })
                  }
                />
                {operation}
              </label>
            ))}
          </div>
        </fieldset>
        {(['filter', 'check'] as const).map((name) => (
          <Field
            key={name}
            label={
              name === 'filter'
                ? 'Only these rows are seen (as where, in JSON; empty for all)'
                : 'Written rows must fit (the same form; empty for any)'
            }
            problem={shown[name]}
          >
            {(control) => (
              <textarea
                {...control}
                className="input mono"
                rows={name === 'filter' ? 4 : 2}
                spellCheck={false}
                placeholder={`{ "${columns[1]?.name ?? 'team'}": { "_eq": "$claims.team" } }`}
                value={draft[name]}
                onChange={(event) => change({ [name]: event.target.value })}
              />
            )}
          </Field>
        ))}
        <ColumnRules
          columns={columns.map(({ name }) => name)}
          draft={draft}
          problem={shown.columns}
          onChange={change}
        />
        <Field label="The most rows of a list" problem={shown.maxRows}>
          {(control) => (
            <input
              {...control}
              className="input"
              type="number"
              min="1"
              placeholder="The server’s limit"
              value={draft.maxRows}
              onChange={(event) => change({ maxRows: event.target.value })}
            />
          )}
        </Field>
        {refused && <Problem error={refused.error} />}
        <div className="actions">
          <button type="submit" className="button primary" disabled={isBusy}>
            {isBusy ? 'Setting it…' : 'Set the policy'}
          </button>
          <button type="button" className="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Modal>
  );
}

/** Which columns are seen, and how. */
function ColumnRules(props: {
  columns: string[];
  draft: PolicyDraft;
  problem: string | undefined;
  onChange: (changed: Partial<PolicyDraft>) => void;
}): ReactElement {
  const { columns, draft, onChange } = props;
  const seen = draft.columns ?? columns;
  function see(column: string, isSeen: boolean): void {
    const next = columns.filter((one) => (one === column ? isSeen : seen.includes(one)));
    // All of them, also those that come later, when none is left out.
    onChange({ columns: next.length === columns.length ? null : next });
  }
  function mask(column: string, value: string): void {
    const masks = Object.entries(draft.masks).filter(([one]) => one !== column);
    if (value !== '') masks.push([column, value as Mask]);
    onChange({ masks: Object.fromEntries(masks) });
  }
  return (
    <fieldset>
      <legend>
        Columns {draft.columns === null ? '(all, also those that come later)' : '(only these)'}
      </legend>
      <ul className="column-rules">
        {columns.map((column) => (
          <li key={column}>
            <label className="inline">
              <input
                type="checkbox"
                checked={seen.includes(column)}
                onChange={(event) => see(column, event.target.checked)}
              />
              {column}
            </label>
            <select
              className="input"
              aria-label={`Mask of ${column}`}
              disabled={!seen.includes(column)}
              value={draft.masks[column] ?? ''}
              onChange={(event) => mask(column, event.target.value)}
            >
              <option value="">As it is</option>
              {MASKS.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </li>
        ))}
      </ul>
      <p className="field-problem" aria-live="polite">
        {props.problem}
      </p>
    </fieldset>
  );
}
