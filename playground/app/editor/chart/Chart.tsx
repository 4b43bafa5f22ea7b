import { useLayoutEffect, useMemo, useRef, useState, type ReactElement } from 'react';
import { messageOf } from '../../api/error';
import { download } from '../../download';
import { Icon } from '../../shell/Icon';
import type { AnswerTable } from '../tabular';
import { ChartControls } from './ChartControls';
import { ChartData } from './ChartData';
import './chart.css';
import { adjusted, suggest, type Choice } from './choice';
import { colorOf, draw } from './draw';
import { fieldsOf } from './fields';
import { drawPie, percent, slicesOf } from './pie';
import { format, KIND_NAMES, measureLabel, pointsOf, summaryOf } from './points';
import { pngOf, resolvedColor, svgText, type Picture } from './save';

/** A table of an answer as a chart; what is drawn and how can be changed. */
export default function Chart({ table, name }: { table: AnswerTable; name: string }): ReactElement {
  const suggested = useMemo(() => suggest(table), [table]);
  const [changes, setChanges] = useState<Partial<Choice>>({});
  if (suggested === null) {
    return <p className="chart-nothing">There is nothing in {table.name} that can be drawn.</p>;
  }
  const choice = adjusted(table, suggested, changes);
  return (
    <div className="chart">
      <ChartControls
        fields={fieldsOf(table)}
        choice={choice}
        onChange={(change) => setChanges((before) => ({ ...before, ...change }))}
      />
      <Figure table={table} choice={choice} fileName={name} />
    </div>
  );
}

function Figure(props: { table: AnswerTable; choice: Choice; fileName: string }): ReactElement {
  const { table, choice } = props;
  const fields = useMemo(() => fieldsOf(table), [table]);
  const { kind, x, y, aggregate, series } = choice;
  const data = useMemo(
    () => pointsOf(table, fields, { kind, x, y, aggregate, series }),
    [table, fields, kind, x, y, aggregate, series],
  );
  const slices = useMemo(() => (kind === 'pie' ? slicesOf(data) : null), [kind, data]);
  const frame = useRef<HTMLDivElement>(null);
  const holder = useRef<HTMLDivElement>(null);
  const size = useSize(frame);
  const [failure, setFailure] = useState<string | null>(null);

  const isDrawable = data.points.length > 0 && (kind !== 'pie' || slices !== null);
  const summary = summaryOf(choice, data);
  useLayoutEffect(() => {
    const box = holder.current;
    if (!box || !size || !isDrawable) return;
    const drawn = slices
      ? drawPie(slices, size)
      : draw({ kind, x, y, aggregate, series }, data, size);
    // The drawing is told as a whole, not by the parts that Plot names.
    drawn.setAttribute('aria-hidden', 'true');
    box.replaceChildren(drawn);
    return () => box.replaceChildren();
  }, [size, isDrawable, slices, kind, x, y, aggregate, series, data]);

  const legend = slices
    ? slices.map(({ label, value, share }, index) => ({
        label: `${label}: ${format(value)} (${percent(share)})`,
        color: colorOf(index),
      }))
    : data.series.map((label, index) => ({ label, color: colorOf(index) }));

  async function save(type: 'svg' | 'png'): Promise<void> {
    const svg = holder.current?.querySelector('svg');
    if (!svg) return;
    const picture: Picture = {
      svg,
      title: `${measureLabel(choice)} by ${choice.x}`,
      summary,
      legend: legend.map(({ label, color }) => ({ label, color: resolvedColor(color, svg) })),
      background: resolvedColor('var(--bg)', document.body),
    };
    try {
      if (type === 'svg') download(`${props.fileName}.svg`, 'image/svg+xml', svgText(picture));
      else download(`${props.fileName}.png`, 'image/png', await pngOf(picture));
      setFailure(null);
    } catch (error) {
      setFailure(messageOf(error));
    }
  }

  return (
    <figure className="chart-figure" aria-label={KIND_NAMES[kind]}>
      <div ref={frame} className="chart-frame" role="group" aria-label="Drawing" tabIndex={0}>
        <div ref={holder} className="chart-drawing" role="img" aria-label={summary} />
      </div>
      {!isDrawable && <p className="chart-nothing">{whyNot(kind, data.points.length)}</p>}
      {legend.length > 0 && isDrawable && (
        <ul className="chart-legend" aria-label="Legend">
          {legend.map(({ label, color }) => (
            <li key={label}>
              <span className="chart-swatch" style={{ background: color }} />
              {label}
            </li>
          ))}
        </ul>
      )}
      <figcaption className="chart-foot">
        <span className="hint">{notes(data.nMissing, data.nLeftOut)}</span>
        {failure !== null && (
          <span role="alert" className="failure">
            {failure}
          </span>
        )}
        <span className="spacer" />
        {(['svg', 'png'] as const).map((type) => (
          <button
            key={type}
            type="button"
            className="button quiet"
            disabled={!isDrawable}
            aria-label={`Save the chart as ${type.toUpperCase()}`}
            onClick={() => void save(type)}
          >
            <Icon name="download" />
            {type.toUpperCase()}
          </button>
        ))}
      </figcaption>
      <ChartData choice={choice} data={data} />
    </figure>
  );
}

function whyNot(kind: Choice['kind'], nPoints: number): string {
  if (nPoints === 0) return 'No row has a value for both axes.';
  return kind === 'pie'
    ? 'A pie shows parts of a whole: no value may be below zero, and one must be above it.'
    : '';
}

function notes(nMissing: number, nLeftOut: number): string {
  return [
    ...(nMissing > 0 ? [`${nMissing} without a value`] : []),
    ...(nLeftOut > 0 ? [`${nLeftOut} more are not drawn`] : []),
  ].join(', ');
}

interface Box {
  width: number;
  height: number;
}

const MIN_BOX: Box = { width: 240, height: 200 };

/** The room that an element has, kept true as the window or a divider moves. */
function useSize(ref: { current: HTMLElement | null }): Box | null {
  const [size, setSize] = useState<Box | null>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const width = Math.max(MIN_BOX.width, Math.floor(entry.contentRect.width));
      const height = Math.max(MIN_BOX.height, Math.floor(entry.contentRect.height));
      setSize((before) =>
        before?.width === width && before.height === height ? before : { width, height },
      );
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}
