import { useQueryClient } from '@tanstack/react-query';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { useDatasets } from '../api/catalog';
import { request } from '../api/graphql';
import { PlaygroundCreateKeyDocument, type Scope } from '../api/operations';
import { useSavedQueries } from '../queries/use';
import { Modal } from '../shell/Modal';
import { Problem } from '../shell/Problem';
import { endOf, LIFETIMES, type Lifetime } from './expiry';
import { readObject } from './json';
import { Secret } from './Secret';
import { ACCESS_QUERY_KEY, usePolicies } from './use';

const SCOPES: [Scope, string][] = [
  ['QUERY', 'Saved queries: run them, nothing else'],
  ['READ', 'Read: query, nothing else'],
  ['WRITE', 'Write: also change rows'],
  ['UPLOAD', 'Upload: also load files, change and drop datasets'],
  ['ADMIN', 'Admin: also keys and policies'],
];

/** Makes a key, and shows it once. */
export function MakeKey(props: { onClose: () => void; workspace?: string }): ReactElement {
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Modal
      isOpen
      onOpenChange={(isOpen) => !isOpen && props.onClose()}
      title={
        secret === null
          ? props.workspace === undefined
            ? 'A new key'
            : `A new key for the workspace ${props.workspace}`
          : 'The key is made'
      }
    >
      {secret === null ? (
        <KeyForm
          onMade={setSecret}
          onClose={props.onClose}
          {...(props.workspace !== undefined && { workspace: props.workspace })}
        />
      ) : (
        <Secret secret={secret} onDone={props.onClose} />
      )}
    </Modal>
  );
}

function KeyForm(props: {
  onMade: (secret: string) => void;
  onClose: () => void;
  workspace?: string;
}): ReactElement {
  const { workspace } = props;
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Scope>('READ');
  const [role, setRole] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [chosenQueries, setChosenQueries] = useState<string[]>([]);
  const [claims, setClaims] = useState('');
  const [lifetime, setLifetime] = useState<Lifetime>('quarter');
  const [date, setDate] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const queryClient = useQueryClient();
  const { data: datasets } = useDatasets();
  const { data: queries } = useSavedQueries();
  const roles = useRoles();
  const id = useId();
  const claimsRead = readObject(claims);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (claimsRead.problem !== null) return;
    setBusy(true);
    setProblem(null);
    try {
      const { createKey } = await request(PlaygroundCreateKeyDocument, {
        name: name.trim(),
        scope,
        expiresAt: endOf(lifetime, date, Date.now()),
        ...(role.trim() !== '' && { role: role.trim() }),
        ...(chosen.length > 0 && { datasets: chosen }),
        ...(scope === 'QUERY' && chosenQueries.length > 0 && { savedQueries: chosenQueries }),
        ...(claimsRead.value !== null && { claims: claimsRead.value }),
        ...(workspace !== undefined && { workspace }),
      });
      props.onMade(createKey.key);
      await queryClient.invalidateQueries({ queryKey: [ACCESS_QUERY_KEY] });
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <label htmlFor={`${id}-name`}>What is it for?</label>
      <input
        id={`${id}-name`}
        className="input"
        required
        placeholder="nightly import, Ada’s notebook…"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <label htmlFor={`${id}-scope`}>What may it do?</label>
      <select
        id={`${id}-scope`}
        className="input"
        value={scope}
        onChange={(event) => setScope(event.target.value as Scope)}
      >
        {SCOPES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <label htmlFor={`${id}-life`}>How long does it work?</label>
      <div className="beside">
        <select
          id={`${id}-life`}
          className="input"
          value={lifetime}
          onChange={(event) => setLifetime(event.target.value as Lifetime)}
        >
          {LIFETIMES.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
          <option value="date">Until a day…</option>
          <option value="ever">For ever</option>
        </select>
        {lifetime === 'date' && (
          <input
            className="input"
            type="date"
            aria-label="Last day"
            required
            value={date}
            onChange={(event) => setDate(event.target.value)}
          />
        )}
      </div>
      {workspace === undefined && scope === 'QUERY' && (
        <NameChoice
          legend="Only these saved queries (all when none is chosen)"
          names={queries?.map((query) => query.name) ?? []}
          chosen={chosenQueries}
          onChange={setChosenQueries}
        />
      )}
      {workspace === undefined && (
        <NameChoice
          legend="Only for these datasets (all when none is chosen)"
          names={datasets?.map((dataset) => dataset.name) ?? []}
          chosen={chosen}
          onChange={setChosen}
        />
      )}
      <label htmlFor={`${id}-role`}>
        Role (its policies hold; none for all that the scope allows)
      </label>
      <input
        id={`${id}-role`}
        className="input"
        list={`${id}-roles`}
        value={role}
        onChange={(event) => setRole(event.target.value)}
      />
      <datalist id={`${id}-roles`}>
        {roles.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <label htmlFor={`${id}-claims`}>Claims (JSON; policies speak of them as $claims.NAME)</label>
      <textarea
        id={`${id}-claims`}
        className="input mono"
        rows={2}
        spellCheck={false}
        placeholder='{ "team": "north" }'
        value={claims}
        aria-invalid={claimsRead.problem !== null}
        aria-describedby={`${id}-claims-problem`}
        onChange={(event) => setClaims(event.target.value)}
      />
      <p id={`${id}-claims-problem`} className="field-problem">
        {claimsRead.problem}
      </p>
      {problem !== null && <Problem error={problem} />}
      <div className="actions">
        <button
          type="submit"
          className="button primary"
          disabled={isBusy || name.trim() === '' || claimsRead.problem !== null}
        >
          {isBusy ? 'Making it…' : 'Make the key'}
        </button>
        <button type="button" className="button" onClick={props.onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** Some of these names, or none of them. */
function NameChoice(props: {
  legend: string;
  names: readonly string[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}): ReactElement | null {
  const { legend, names, chosen, onChange } = props;
  if (names.length === 0) return null;
  return (
    <fieldset>
      <legend>{legend}</legend>
      <div className="checks">
        {names.map((name) => (
          <label key={name} className="inline">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={(event) =>
                onChange(
                  event.target.checked ? [...chosen, name] : chosen.filter((one) => one !== name),
                )
              }
            />
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The roles that policies speak of. */
export function useRoles(): string[] {
  const { data: policies } = usePolicies();
  const named = policies?.map(({ role }) => role) ?? [];
  return [...new Set(named)].filter((role) => role !== '*' && role !== 'anonymous').sort();
}
