import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { DATASETS_QUERY_KEY } from '../api/catalog';
import { request } from '../api/graphql';
import {
  PlaygroundCreateDatasetDocument,
  type ColumnType,
  type NewColumnInput,
} from '../api/operations';
import { schemaChanged } from '../editor/requests';
import { Icon } from '../shell/Icon';
import { Modal } from '../shell/Modal';
import { Problem } from '../shell/Problem';
import { COLUMN_TYPES } from '../shell/types';

interface Draft {
  id: number;
  name: string;
  type: ColumnType;
  scale: string;
  required: boolean;
}

let nextId = 1;
const newDraft = (name = '', type: ColumnType = 'STRING'): Draft => ({
  id: nextId++,
  name,
  type,
  scale: '2',
  required: false,
});

export default function NewDatasetDialog({ onClose }: { onClose: () => void }): ReactElement {
  const [name, setName] = useState('');
  const [columns, setColumns] = useState<Draft[]>(() => [newDraft()]);
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const ids = { name: useId(), key: useId() };

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const variables = {
      name: name.trim(),
      columns: columns.filter((column) => column.name.trim() !== '').map(toInput),
      ...(key !== '' && { key }),
    };
    try {
      const { createDataset } = await request(PlaygroundCreateDatasetDocument, variables);
      await queryClient.invalidateQueries({ queryKey: [DATASETS_QUERY_KEY] });
      schemaChanged();
      onClose();
      await navigate({ to: '/datasets/$name', params: { name: createDataset.name } });
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }
  function change(id: number, changed: Partial<Draft>): void {
    setColumns((all) => all.map((one) => (one.id === id ? { ...one, ...changed } : one)));
  }
  const named = columns.filter((column) => column.name.trim() !== '');
  return (
    <Modal
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title="A new, empty dataset"
      description="Give it a name and its columns; rows are typed in or uploaded later."
      isWide
    >
      <form className="form" onSubmit={(event) => void submit(event)}>
        <label htmlFor={ids.name}>Name</label>
        <input
          id={ids.name}
          className="input"
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <fieldset>
          <legend>Columns</legend>
          <ol className="column-drafts">
            {columns.map((column, at) => (
              <ColumnDraft
                key={column.id}
                position={at + 1}
                column={column}
                onChange={(changed) => change(column.id, changed)}
                {...(columns.length > 1 && {
                  onRemove: () => setColumns((all) => all.filter((one) => one.id !== column.id)),
                })}
              />
            ))}
          </ol>
          <button
            type="button"
            className="button"
            onClick={() => setColumns((all) => [...all, newDraft()])}
          >
            <Icon name="plus" />
            Add a column
          </button>
        </fieldset>
        <label htmlFor={ids.key}>Key</label>
        <select
          id={ids.key}
          className="input"
          value={key}
          onChange={(event) => setKey(event.target.value)}
        >
          <option value="">A number that Sluice gives</option>
          {named.map((column) => (
            <option key={column.id}>{column.name.trim()}</option>
          ))}
        </select>
        {problem !== null && <Problem error={problem} />}
        <div className="actions">
          <button
            type="submit"
            className="button primary"
            disabled={isBusy || name.trim() === '' || named.length === 0}
          >
            {isBusy ? 'Making it…' : 'Make the dataset'}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Modal>
  );
}

function ColumnDraft(props: {
  position: number;
  column: Draft;
  onChange: (changed: Partial<Draft>) => void;
  onRemove?: () => void;
}): ReactElement {
  const { position, column, onChange } = props;
  return (
    <li>
      <input
        className="input"
        aria-label={`Name of column ${position}`}
        placeholder="Name"
        value={column.name}
        onChange={(event) => onChange({ name: event.target.value })}
      />
      <select
        className="input"
        aria-label={`Type of column ${position}`}
        value={column.type}
        onChange={(event) => onChange({ type: event.target.value as ColumnType })}
      >
        {COLUMN_TYPES.map(([type, label]) => (
          <option key={type} value={type}>
            {label}
          </option>
        ))}
      </select>
      {column.type === 'DECIMAL' && (
        <label className="inline">
          Digits after the point
          <input
            className="input short"
            type="number"
            min="0"
            max="18"
            value={column.scale}
            onChange={(event) => onChange({ scale: event.target.value })}
          />
        </label>
      )}
      <label className="inline">
        <input
          type="checkbox"
          checked={column.required}
          onChange={(event) => onChange({ required: event.target.checked })}
        />
        Required
      </label>
      {props.onRemove && (
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={`Remove column ${position}`}
          title="Remove"
          onClick={props.onRemove}
        >
          <Icon name="close" />
        </button>
      )}
    </li>
  );
}

function toInput({ name, type, scale, required }: Draft): NewColumnInput {
  return {
    name: name.trim(),
    type,
    ...(required && { required }),
    ...(type === 'DECIMAL' && { scale: Number(scale) }),
  };
}
