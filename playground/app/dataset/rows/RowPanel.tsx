import { Dialog } from 'radix-ui';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import type { Column } from '../../api/catalog';
import type { Row } from '../../grid/types';
import { cellText } from '../../grid/cell';
import { Icon } from '../../shell/Icon';
import { EXAMPLES, isSameValue, longText, mayBeNull, parseCell } from './values';

/** What was typed for a field; null is the missing value. */
type Draft = Record<string, string | null>;

/** A row whole, at the side: to be read, changed or added. */
export function RowPanel(props: {
  title: string;
  columns: readonly Column[];
  /** The row; null for one to be added. */
  row: Row | null;
  canEdit: (column: Column) => boolean;
  /** Resolves to null, or to why it was refused. */
  onSave: ((set: Row) => Promise<string | null>) | null;
  onDelete: (() => void) | null;
  /** To the row before or after; null at an end. */
  onStep: { before: (() => void) | null; after: (() => void) | null } | null;
  onClose: () => void;
  /** Takes the keyboard when the panel has gone. */
  onClosed: () => void;
}): ReactElement {
  const { columns, row, onSave, onStep } = props;
  const id = useId();
  const [draft, setDraft] = useState<Draft>({});
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isSaving, setSaving] = useState(false);
  const isNew = row === null;
  const shown = isNew ? columns.filter((column) => !column.generated) : columns;
  const isChanged = Object.keys(draft).length > 0;

  function change(column: Column, text: string | null): void {
    setDraft((now) => ({ ...now, [column.name]: text }));
    setProblems((now) =>
      Object.fromEntries(Object.entries(now).filter(([name]) => name !== column.name)),
    );
    setRefusal(null);
  }
  async function save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (!onSave) return;
    const set: Row = {};
    const wrong: Record<string, string> = {};
    for (const column of shown) {
      const text = draft[column.name];
      if (text === undefined) continue;
      const parsed = text === null ? { value: null } : parseCell(column.type, text);
      if ('problem' in parsed) wrong[column.name] = parsed.problem;
      else if (isNew || !isSameValue(parsed.value, row[column.name])) {
        set[column.name] = parsed.value;
      }
    }
    setProblems(wrong);
    const [first] = Object.keys(wrong);
    if (first !== undefined) {
      document.getElementById(`${id}-${first}`)?.focus();
      return;
    }
    setSaving(true);
    const refused = await onSave(set);
    setSaving(false);
    if (refused === null) {
      setDraft({});
      if (isNew) props.onClose();
      return;
    }
    // The API names the field that it speaks of.
    const about = shown.find(({ name }) => new RegExp(`\\b${name}\\b`).test(refused));
    if (about && about.name in draft) setProblems({ [about.name]: refused });
    else setRefusal(refused);
  }

  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && props.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="panel-overlay" />
        <Dialog.Content
          className="row-panel"
          aria-describedby={undefined}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            props.onClosed();
          }}
        >
          <header>
            <Dialog.Title>{props.title}</Dialog.Title>
            <span className="spacer" />
            {onStep && (
              <>
                <button
                  type="button"
                  className="button quiet icon-only"
                  aria-label="Row before"
                  disabled={!onStep.before || isChanged}
                  onClick={() => onStep.before?.()}
                >
                  <Icon name="ascending" />
                </button>
                <button
                  type="button"
                  className="button quiet icon-only"
                  aria-label="Row after"
                  disabled={!onStep.after || isChanged}
                  onClick={() => onStep.after?.()}
                >
                  <Icon name="descending" />
                </button>
              </>
            )}
            <Dialog.Close className="button quiet icon-only" aria-label="Close">
              <Icon name="close" />
            </Dialog.Close>
          </header>
          <form id={id} className="row-fields" onSubmit={(event) => void save(event)}>
            {shown.map((column) => (
              <Field
                key={column.name}
                id={`${id}-${column.name}`}
                column={column}
                value={row?.[column.name]}
                draft={draft[column.name]}
                problem={problems[column.name]}
                isEditable={onSave !== null && props.canEdit(column)}
                isNew={isNew}
                onChange={(text) => change(column, text)}
              />
            ))}
          </form>
          {refusal !== null && (
            <p role="alert" className="failure">
              {refusal}
            </p>
          )}
          {onSave && (
            <footer>
              {props.onDelete && (
                <button type="button" className="button" onClick={props.onDelete}>
                  <Icon name="trash" />
                  Delete
                </button>
              )}
              <span className="spacer" />
              <button
                type="submit"
                form={id}
                className="button primary"
                disabled={isSaving || (!isNew && !isChanged)}
              >
                {isSaving ? 'Saving…' : isNew ? 'Add row' : 'Save'}
              </button>
            </footer>
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Field(props: {
  id: string;
  column: Column;
  value: unknown;
  draft: string | null | undefined;
  problem: string | undefined;
  isEditable: boolean;
  isNew: boolean;
  onChange: (text: string | null) => void;
}): ReactElement {
  const { id, column, value, draft, problem } = props;
  const shown = cellText(value);
  if (!props.isEditable) {
    return (
      <div className="row-field">
        <span className="row-label">
          {column.label} <small>{column.graphqlType}</small>
        </span>
        <div className="row-value" data-kind={shown.kind}>
          {shown.kind === 'text' ? longText(column.type, value) : shown.text}
        </div>
      </div>
    );
  }
  const text = draft === undefined ? longText(column.type, value) : (draft ?? '');
  const isNull = draft === undefined ? (value ?? null) === null : draft === null;
  const shared = {
    id,
    className: 'input',
    'aria-invalid': problem !== undefined,
    'aria-describedby': problem === undefined ? undefined : `${id}-problem`,
    required: column.required && props.isNew,
  };
  const placeholder = isNull ? 'null' : column.type === 'STRING' ? 'empty' : 'null';
  return (
    <div className="row-field">
      <div className="row-head">
        <label className="row-label" htmlFor={id}>
          {column.label} <small>{column.graphqlType}</small>
        </label>
        {/* In other columns a field without text is null. */}
        {column.type === 'STRING' && !isNull && mayBeNull(column) && (
          <button
            type="button"
            className="link"
            aria-label={`Set to null: ${column.label}`}
            onClick={() => props.onChange(null)}
          >
            Set to null
          </button>
        )}
      </div>
      {column.type === 'BOOLEAN' ? (
        <select
          {...shared}
          value={isNull ? '' : text}
          onChange={(event) =>
            props.onChange(event.target.value === '' ? null : event.target.value)
          }
        >
          <option value="">null</option>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : column.type === 'JSON' || (column.type === 'STRING' && text.length > 40) ? (
        <textarea
          {...shared}
          rows={Math.min(10, Math.max(3, text.split('\n').length))}
          placeholder={placeholder}
          value={text}
          onChange={(event) => props.onChange(event.target.value)}
        />
      ) : (
        <input
          {...shared}
          type={column.type === 'DATE' ? 'date' : 'text'}
          autoComplete="off"
          placeholder={
            props.isNew ? `null, or such as ${EXAMPLES[column.type] || 'a text'}` : placeholder
          }
          value={text}
          onChange={(event) => props.onChange(event.target.value)}
        />
      )}
      {problem !== undefined && (
        <p role="alert" className="failure" id={`${id}-problem`}>
          {problem}
        </p>
      )}
    </div>
  );
}
