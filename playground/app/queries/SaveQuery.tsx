import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactElement, type SubmitEvent } from 'react';
import { messageOf } from '../api/error';
import { request } from '../api/graphql';
import { PlaygroundSaveQueryDocument } from '../api/operations';
import { CopyButton } from '../shell/CopyButton';
import { Field } from '../shell/Field';
import { Modal } from '../shell/Modal';
import { Problem } from '../shell/Problem';
import {
  draftOf,
  fieldOfProblem,
  nameIn,
  problemsOf,
  variablesOf,
  type Problems,
  type QueryDraft,
  type QueryField,
} from './draft';
import { QUERIES_QUERY_KEY, useSavedQueries, type SavedQuery } from './use';

interface SaveProps {
  document: string;
  /** The one that is changed; its name stays. */
  edited?: SavedQuery;
  onClose: () => void;
}

/** Gives a document an address of its own, or changes the one that has it. */
export function SaveQuery(props: SaveProps): ReactElement {
  const { edited, onClose } = props;
  const [saved, setSaved] = useState<SavedQuery | null>(null);
  return (
    <Modal
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={
        saved !== null
          ? 'The query is saved'
          : edited === undefined
            ? 'Save this query'
            : `The saved query ${edited.name}`
      }
      isWide={edited !== undefined}
    >
      {saved === null ? (
        <SaveForm {...props} onSaved={edited === undefined ? setSaved : onClose} />
      ) : (
        <Saved query={saved} onClose={onClose} />
      )}
    </Modal>
  );
}

/** What the server has refused, and of which field; null where it speaks of none. */
interface Refusal {
  field: QueryField | null;
  error: unknown;
}

function SaveForm(props: SaveProps & { onSaved: (saved: SavedQuery) => void }): ReactElement {
  const { edited } = props;
  const { data: queries } = useSavedQueries();
  const queryClient = useQueryClient();
  /** What was typed. The rest is as the query of this name has it. */
  const [changes, setChanges] = useState<Partial<QueryDraft>>({});
  const [isTried, setTried] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  const name = edited?.name ?? changes.name ?? nameIn(props.document);
  const replaced = edited ?? queries?.find((query) => query.name === name.trim());
  const draft: QueryDraft = {
    ...draftOf(replaced),
    document: props.document,
    ...changes,
    name,
  };
  const problems = problemsOf(draft);
  const shown: Problems = Object.fromEntries(
    Object.entries(problems).filter(([field]) => isTried || field in changes),
  );
  if (refusal?.field != null) shown[refusal.field] ??= messageOf(refusal.error);

  function change(part: Partial<QueryDraft>): void {
    setChanges({ ...changes, ...part });
    setRefusal(null);
  }
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (Object.keys(problems).length > 0) return;
    setBusy(true);
    setRefusal(null);
    try {
      const { saveQuery } = await request(PlaygroundSaveQueryDocument, variablesOf(draft));
      await queryClient.invalidateQueries({ queryKey: [QUERIES_QUERY_KEY] });
      props.onSaved(saveQuery);
    } catch (error) {
      setRefusal({ field: fieldOfProblem(messageOf(error)), error });
    } finally {
      setBusy(false);
    }
  }
  const text = (field: Exclude<QueryField, 'document'>, label: string, placeholder: string) => (
    <Field label={label} problem={shown[field]}>
      {(control) => (
        <input
          {...control}
          className="input"
          autoComplete="off"
          placeholder={placeholder}
          value={draft[field]}
          onChange={(event) => change({ [field]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <form className="form" noValidate onSubmit={(event) => void submit(event)}>
      {edited === undefined && (
        <>
          {text('name', 'Name, the end of its address', 'open_orders')}
          {replaced !== undefined && (
            <p className="warn" role="status">
              There is one of this name: saving takes its place.
            </p>
          )}
        </>
      )}
      {text('description', 'What is it for?', 'orders that are to be sent')}
      {edited === undefined ? (
        // The document is in the editor, behind this.
        <p className="field-problem" role="alert">
          {shown.document}
        </p>
      ) : (
        <Field label="The query" problem={shown.document}>
          {(control) => (
            <textarea
              {...control}
              className="input mono"
              rows={8}
              spellCheck={false}
              value={draft.document}
              onChange={(event) => change({ document: event.target.value })}
            />
          )}
        </Field>
      )}
      <div className="fields">
        {text('maxAge', 'Seconds that an answer may be kept', 'not at all')}
        {text('requestsPerMinute', 'Requests a minute, of each who asks', 'as the key may')}
      </div>
      <div>
        <label className="inline">
          <input
            type="checkbox"
            checked={draft.isProtected}
            onChange={(event) => change({ isProtected: event.target.checked })}
          />
          Protect it: a change of the datasets that would break it is refused
        </label>
      </div>
      {refusal !== null && refusal.field === null && <Problem error={refusal.error} />}
      <div className="actions">
        <button type="submit" className="button primary" disabled={isBusy}>
          {isBusy ? 'Saving…' : replaced !== undefined && !edited ? 'Save in its place' : 'Save'}
        </button>
        <button type="button" className="button" onClick={props.onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function Saved({ query, onClose }: { query: SavedQuery; onClose: () => void }): ReactElement {
  const address = location.origin + query.path;
  return (
    <>
      <p>It answers at this address, whoever asks with a key that may run it:</p>
      <pre tabIndex={0} role="region" aria-label="Its address">
        {address}
      </pre>
      <div className="actions">
        <CopyButton text={address} />
        <Link to="/queries" search={{ q: query.name }} className="button" onClick={onClose}>
          Run it, or use it elsewhere
        </Link>
        <button type="button" className="button" onClick={onClose}>
          Done
        </button>
      </div>
    </>
  );
}
