import type { ReactElement } from 'react';
import { countOf, formatCount } from '../../format';
import type { Bar } from './distribution';

const WIDTH = 240;
const HEIGHT = 44;
/** A bar of one row among millions is seen, too. */
const LEAST_HEIGHT = 1.5;

/** Bars side by side in the order of the values, and the same in words. */
export function Histogram(props: { label: string; bars: readonly Bar[] }): ReactElement | null {
  const { label, bars } = props;
  const [first, last] = [bars[0], bars.at(-1)];
  if (!first || !last) return null;
  const most = bars.reduce((a, b) => (b.count > a.count ? b : a));
  const step = WIDTH / bars.length;
  const gap = Math.min(1.5, step * 0.2);
  return (
    <figure className="histogram">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Histogram of ${label}: ${countOf(bars.length, 'bar')}, from ${first.label} to ${last.label}. Most rows, ${formatCount(most.count)}, at ${most.label}.`}
      >
        {bars.map((bar, index) => {
          const height =
            bar.count === 0 ? 0 : Math.max(LEAST_HEIGHT, (HEIGHT * bar.count) / most.count);
          return (
            <g key={bar.label}>
              <title>{`${bar.label}: ${countOf(bar.count, 'row')}`}</title>
              <rect className="histogram-room" x={index * step} width={step} height={HEIGHT} />
              <rect
                className="histogram-bar"
                x={index * step + gap / 2}
                y={HEIGHT - height}
                width={step - gap}
                height={height}
              />
            </g>
          );
        })}
      </svg>
      <figcaption aria-hidden="true">
        <span>{shortLabel(first.label, 'start')}</span>
        <span>{shortLabel(last.label, 'end')}</span>
      </figcaption>
    </figure>
  );
}

/** The outer edge of a bar's label, `10 to 20`, under the end where it stands. */
function shortLabel(label: string, end: 'start' | 'end'): string {
  const [from, to] = label.replace('the week of ', '').split(' to ');
  return (end === 'end' ? (to ?? from) : from) ?? label;
}
