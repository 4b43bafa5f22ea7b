import { useState, type ReactElement, type SubmitEvent } from 'react';

/** A row by its place in the view. */
export function GoToRow(props: { nRows: number; onGo: (row: number) => void }): ReactElement {
  const [text, setText] = useState('');
  function go(event: SubmitEvent): void {
    event.preventDefault();
    const row = Number.parseInt(text, 10);
    if (Number.isFinite(row)) props.onGo(Math.min(Math.max(row, 1), props.nRows));
  }
  return (
    <form className="go-to-row" onSubmit={go}>
      <label htmlFor="go-to-row">Row</label>
      <input
        id="go-to-row"
        className="input"
        type="number"
        min={1}
        max={props.nRows}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" className="button">
        Go
      </button>
    </form>
  );
}
