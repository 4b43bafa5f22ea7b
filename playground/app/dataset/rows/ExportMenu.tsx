import { DropdownMenu } from 'radix-ui';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { messageOf } from '../../api/error';
import { countOf, formatCount } from '../../format';
import { MenuItem } from '../../grid/ColumnMenuItems';
import { Icon } from '../../shell/Icon';
import { exportRows, openFile, type ExportFormat } from './export';
import type { RowSource } from './pages';

const FORMATS: Record<ExportFormat, { label: string; type: string }> = {
  csv: { label: 'CSV, formulas made harmless', type: 'text/csv;charset=utf-8' },
  json: { label: 'JSON', type: 'application/json' },
};

interface Running {
  nDone: number;
  controller: AbortController;
}

/** The present view as a file: all its rows, the columns that are shown. */
export function ExportMenu(props: {
  name: string;
  source: () => RowSource;
  columns: readonly string[];
  nRows: number | null;
}): ReactElement {
  const [running, setRunning] = useState<Running | null>(null);
  const [said, setSaid] = useState<{ text: string; isFailure: boolean } | null>(null);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);

  async function start(format: ExportFormat): Promise<void> {
    const sink = await openFile(`${props.name}.${format}`, FORMATS[format].type);
    if (!sink) return;
    const stop = new AbortController();
    controller.current = stop;
    setSaid(null);
    setRunning({ nDone: 0, controller: stop });
    try {
      const n = await exportRows(
        props.source(),
        props.columns,
        format,
        sink,
        (nDone) => setRunning({ nDone, controller: stop }),
        stop.signal,
      );
      setSaid({ text: `${countOf(n, 'row')} exported.`, isFailure: false });
    } catch (cause) {
      if (!stop.signal.aborted) setSaid({ text: messageOf(cause), isFailure: true });
      else setSaid({ text: 'The export was cancelled.', isFailure: false });
    } finally {
      setRunning(null);
    }
  }

  if (running) {
    return (
      <div className="export-progress">
        <progress
          aria-label="Export"
          value={props.nRows ? running.nDone / props.nRows : undefined}
        />
        <span className="hint">{formatCount(running.nDone)}</span>
        <button type="button" className="button" onClick={() => running.controller.abort()}>
          Cancel
        </button>
      </div>
    );
  }
  return (
    <>
      {said && (
        <span role="status" className={said.isFailure ? 'failure' : 'hint'}>
          {said.text}
        </span>
      )}
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger asChild>
          <button type="button" className="button">
            <Icon name="download" />
            <span>Export</span>
          </button>
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" sideOffset={6} collisionPadding={8}>
            {(Object.keys(FORMATS) as ExportFormat[]).map((format) => (
              <MenuItem key={format} onSelect={() => void start(format)}>
                {FORMATS[format].label}
              </MenuItem>
            ))}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </>
  );
}
