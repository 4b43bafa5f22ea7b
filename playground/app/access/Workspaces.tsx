import { useQueryClient } from '@tanstack/react-query';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { request } from '../api/graphql';
import { useMe } from '../api/me';
import {
  PlaygroundCreateWorkspaceDocument,
  PlaygroundDeleteWorkspaceDocument,
  PlaygroundRenameWorkspaceDocument,
  PlaygroundSetQuotasDocument,
} from '../api/operations';
import { formatBytes, formatCount } from '../format';
import { Busy } from '../shell/Busy';
import { InputField } from '../shell/Field';
import { Modal } from '../shell/Modal';
import { Problem } from '../shell/Problem';
import { MakeKey } from './MakeKey';
import { ACCESS_QUERY_KEY, useWorkspaces, type Workspace } from './use';

/** The tenants of the server and what each may hold. For its operator. */
export function Workspaces(): ReactElement {
  const { data: workspaces, error, isPending } = useWorkspaces();
  const [isMaking, setMaking] = useState(false);
  if (error) return <Problem error={error} />;
  if (isPending) return <Busy label="Loading the workspaces" />;
  if (!workspaces) return <p>Workspaces are for the operator of the server.</p>;
  return (
    <>
      <div className="tab-head">
        <p className="hint">
          Each workspace has its own datasets, keys and jobs, and knows nothing of the others.
        </p>
        <span className="spacer" />
        <button type="button" className="button primary" onClick={() => setMaking(true)}>
          New workspace
        </button>
      </div>
      {isMaking && (
        <NameDialog
          title="A new workspace"
          action="Make it"
          onSubmit={(name) => request(PlaygroundCreateWorkspaceDocument, { name })}
          onClose={() => setMaking(false)}
        />
      )}
      <ul className="policies" aria-label="Workspaces">
        {workspaces.map((workspace) => (
          <WorkspaceItem key={workspace.id} workspace={workspace} />
        ))}
      </ul>
    </>
  );
}

function WorkspaceItem({ workspace }: { workspace: Workspace }): ReactElement {
  const { name } = workspace;
  const me = useMe();
  const [open, setOpen] = useState<'key' | 'quotas' | 'rename' | 'delete' | null>(null);
  const isOwn = me.workspace?.id === workspace.id;
  const close = () => setOpen(null);
  const bound = (value: string | number | null, text: string) =>
    value === null ? 'no bound' : `at most ${text}`;
  return (
    <li className="card" aria-label={`Workspace ${name}`}>
      <div className="job-title">
        <h3>
          {name} {isOwn && <span className="tag">yours</span>}
        </h3>
        <span className="spacer" />
        <button type="button" className="button" onClick={() => setOpen('key')}>
          New key
        </button>
        <button type="button" className="button" onClick={() => setOpen('quotas')}>
          Quotas
        </button>
        {!isOwn && (
          <>
            <button type="button" className="button" onClick={() => setOpen('rename')}>
              Rename
            </button>
            <button type="button" className="button" onClick={() => setOpen('delete')}>
              Delete
            </button>
          </>
        )}
      </div>
      <dl className="facts">
        <div>
          <dt>Datasets</dt>
          <dd>
            {workspace.datasetCount}, {bound(workspace.maxDatasets, String(workspace.maxDatasets))}
          </dd>
        </div>
        <div>
          <dt>Rows</dt>
          <dd>
            {formatCount(workspace.rowCount)},{' '}
            {bound(workspace.maxRows, formatCount(workspace.maxRows ?? 0))}
          </dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>
            {formatBytes(Number(workspace.sizeBytes))},{' '}
            {bound(workspace.maxBytes, formatBytes(Number(workspace.maxBytes ?? 0)))}
          </dd>
        </div>
      </dl>
      {open === 'key' && <MakeKey workspace={name} onClose={close} />}
      {open === 'quotas' && <QuotasDialog workspace={workspace} onClose={close} />}
      {open === 'rename' && (
        <NameDialog
          title={`Rename the workspace ${name}`}
          action="Rename"
          initial={name}
          onSubmit={(newName) => request(PlaygroundRenameWorkspaceDocument, { name, newName })}
          onClose={close}
        />
      )}
      {open === 'delete' && (
        <NameDialog
          title={`Delete the workspace ${name}?`}
          action="Delete all of it"
          text={`All its datasets, keys and files go, and cannot be brought back. Type ${name} to say that you mean it.`}
          mustBe={name}
          onSubmit={(confirm) => request(PlaygroundDeleteWorkspaceDocument, { name, confirm })}
          onClose={close}
        />
      )}
    </li>
  );
}

function NameDialog(props: {
  title: string;
  action: string;
  text?: string;
  initial?: string;
  mustBe?: string;
  onSubmit: (name: string) => Promise<unknown>;
  onClose: () => void;
}): ReactElement {
  const [name, setName] = useState(props.initial ?? '');
  const { problem, isBusy, run } = useAction(props.onClose);
  const id = useId();
  return (
    <Modal
      isOpen
      onOpenChange={(isOpen) => !isOpen && props.onClose()}
      title={props.title}
      {...(props.text !== undefined && { description: props.text })}
    >
      <form
        className="form"
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault();
          void run(() => props.onSubmit(name.trim()));
        }}
      >
        <label htmlFor={id}>Name</label>
        <input
          id={id}
          className="input"
          value={name}
          aria-describedby={`${id}-hint`}
          onChange={(event) => setName(event.target.value)}
        />
        {props.mustBe === undefined && (
          <p id={`${id}-hint`} className="hint">
            Lower-case letters, digits and “-”
          </p>
        )}
        {problem !== null && <Problem error={problem} />}
        <div className="actions">
          <button
            type="submit"
            className={props.mustBe === undefined ? 'button primary' : 'button danger'}
            disabled={
              isBusy || name.trim() === '' || (props.mustBe !== undefined && name !== props.mustBe)
            }
          >
            {props.action}
          </button>
          <button type="button" className="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Modal>
  );
}

const MIB = 1024 * 1024;

function QuotasDialog(props: { workspace: Workspace; onClose: () => void }): ReactElement {
  const { workspace } = props;
  const [datasets, setDatasets] = useState(String(workspace.maxDatasets ?? ''));
  const [rows, setRows] = useState(workspace.maxRows ?? '');
  const [mebibytes, setMebibytes] = useState(
    workspace.maxBytes === null ? '' : String(Number(workspace.maxBytes) / MIB),
  );
  const { problem, isBusy, run } = useAction(props.onClose);
  const fields = [
    ['datasets', 'The most datasets', datasets, setDatasets],
    ['rows', 'The most rows of all datasets', rows, setRows],
    ['size', 'The most MiB of all datasets', mebibytes, setMebibytes],
  ] as const;
  return (
    <Modal
      isOpen
      onOpenChange={(isOpen) => !isOpen && props.onClose()}
      title={`What ${workspace.name} may hold`}
      description="Empty for no bound."
    >
      <form
        className="form"
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault();
          void run(() =>
            request(PlaygroundSetQuotasDocument, {
              name: workspace.name,
              maxDatasets: datasets === '' ? null : Number(datasets),
              maxRows: rows === '' ? null : rows,
              maxBytes: mebibytes === '' ? null : String(Math.round(Number(mebibytes) * MIB)),
            }),
          );
        }}
      >
        {fields.map(([name, label, value, set]) => (
          <InputField
            key={name}
            label={label}
            value={value}
            onChange={set}
            input={{ type: 'number', min: 0, step: 'any' }}
          />
        ))}
        {problem !== null && <Problem error={problem} />}
        <div className="actions">
          <button type="submit" className="button primary" disabled={isBusy}>
            Set the quotas
          </button>
          <button type="button" className="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Modal>
  );
}

/** Runs a change of this room, reads the room anew, and closes the dialog; or says what is wrong. */
function useAction(onDone: () => void): {
  problem: unknown;
  isBusy: boolean;
  run: (action: () => Promise<unknown>) => Promise<void>;
} {
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const queryClient = useQueryClient();
  async function run(action: () => Promise<unknown>): Promise<void> {
    setBusy(true);
    setProblem(null);
    try {
      await action();
      await queryClient.invalidateQueries({ queryKey: [ACCESS_QUERY_KEY] });
      onDone();
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }
  return { problem, isBusy, run };
}
