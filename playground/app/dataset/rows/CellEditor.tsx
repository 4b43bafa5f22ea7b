import {
  useEffect,
  useRef,
  useState,
  type FocusEvent,
  type KeyboardEvent,
  type ReactElement,
} from 'react';
import type { Column } from '../../api/catalog';
import type { EditStep } from '../../grid/types';
import { EXAMPLES, longText, mayBeNull, parseCell } from './values';

/** From this length on, or with line ends, a text gets a larger box. */
const LONG_TEXT = 40;

/**
 * The control over a cell that is edited, by the type of its column. Enter and Tab take the value,
 * Escape leaves it; so does a click elsewhere take it, and a value that is none is kept with the
 * reason.
 */
export function CellEditor(props: {
  column: Column;
  value: unknown;
  /** What was typed: the first sign of a new value, or a value that was refused. */
  typed: string | null;
  problem: string | undefined;
  onCommit: (value: unknown, typed: string, step: EditStep) => void;
  onRefused: (problem: string, typed: string) => void;
  onCancel: () => void;
}): ReactElement {
  const { column, value } = props;
  const [text, setText] = useState(props.typed ?? longText(column.type, value));
  const [isNull, setNull] = useState(props.typed === null && (value ?? null) === null);
  const [problem, setProblem] = useState(props.problem ?? null);
  const isDone = useRef(false);
  const control = useRef<HTMLElement | null>(null);
  useEffect(() => {
    const element = control.current;
    if (!element) return;
    element.focus({ preventScroll: true });
    const isTyped = element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement;
    if (!isTyped || element.type === 'date') return;
    // What was there is replaced by typing; what was typed already goes on.
    if (props.typed === null) element.select();
    else element.setSelectionRange(text.length, text.length);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- when it appears, not when it changes
  }, []);

  function commit(step: EditStep, isLeaving = false): void {
    if (isDone.current) return;
    const parsed = isNull ? { value: null } : parseCell(column.type, text);
    if ('value' in parsed) {
      isDone.current = true;
      props.onCommit(parsed.value, text, step);
    } else if (isLeaving) {
      isDone.current = true;
      props.onRefused(parsed.problem, text);
    } else setProblem(parsed.problem);
  }
  function cancel(): void {
    isDone.current = true;
    props.onCancel();
  }
  function onKeyDown(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') cancel();
    else if (event.key === 'Tab') commit(event.shiftKey ? 'left' : 'right');
    else if (event.key === 'Enter' && !event.shiftKey && !event.altKey) commit('down');
    else return;
    event.preventDefault();
  }
  function onBlur(event: FocusEvent): void {
    if (!event.currentTarget.contains(event.relatedTarget)) commit('leave', true);
  }
  function onChange(changed: string): void {
    setText(changed);
    setNull(false);
    setProblem(null);
  }

  const shared = {
    ref: (element: HTMLElement | null) => {
      control.current = element;
    },
    'aria-label': `${column.label}, ${column.graphqlType}`,
    'aria-invalid': problem !== null,
    className: 'cell-control',
  };
  const isText = column.type === 'STRING';
  const isLong = column.type === 'JSON' || (isText && (text.length > LONG_TEXT || /\n/.test(text)));
  const hint = isNull ? 'null' : isText ? 'empty' : `null, or such as ${EXAMPLES[column.type]}`;
  return (
    <div className="cell-editor" onKeyDown={onKeyDown} onBlur={onBlur}>
      {column.type === 'BOOLEAN' ? (
        <select
          {...shared}
          value={isNull ? '' : text.toLowerCase()}
          onChange={(event) => onChange(event.target.value)}
        >
          <option value="true">true</option>
          <option value="false">false</option>
          {mayBeNull(column) && <option value="">null</option>}
        </select>
      ) : isLong ? (
        <textarea
          {...shared}
          rows={5}
          spellCheck={isText}
          placeholder={hint}
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <input
          {...shared}
          type={column.type === 'DATE' && /^(\d{4}-\d\d-\d\d)?$/.test(text) ? 'date' : 'text'}
          inputMode={isNumberType(column) ? 'decimal' : undefined}
          autoComplete="off"
          placeholder={hint}
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
      <div className="cell-editor-foot">
        {problem !== null && (
          <p role="alert" className="failure">
            {problem}
          </p>
        )}
        {isLong && <span className="hint">Enter takes it, Shift+Enter begins a line</span>}
        {isText && mayBeNull(column) && !isNull && (
          <button
            type="button"
            className="button"
            onClick={() => {
              setText('');
              setNull(true);
              setProblem(null);
              control.current?.focus();
            }}
          >
            Set to null
          </button>
        )}
      </div>
    </div>
  );
}

function isNumberType({ type }: Column): boolean {
  return type === 'INT' || type === 'BIGINT' || type === 'DECIMAL' || type === 'FLOAT';
}
