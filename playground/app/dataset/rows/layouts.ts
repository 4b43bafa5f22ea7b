import { useState } from 'react';
import { PLAIN_LAYOUT, type GridLayout } from '../../grid/layout';

/** How a reader has arranged the columns of a dataset; kept in this browser. */
export interface DatasetLayout extends GridLayout {
  hidden: readonly string[];
}

const PLAIN: DatasetLayout = { ...PLAIN_LAYOUT, hidden: [] };
const storageKey = (dataset: string) => `sluice.layout.${dataset}`;

export function useLayout(
  dataset: string,
): [layout: DatasetLayout, setLayout: (layout: DatasetLayout) => void] {
  const [layout, setLayout] = useState(() => readLayout(localStorage.getItem(storageKey(dataset))));
  return [
    layout,
    (changed) => {
      setLayout(changed);
      if (isPlain(changed)) localStorage.removeItem(storageKey(dataset));
      else keep(storageKey(dataset), JSON.stringify(changed));
    },
  ];
}

/** Where there is no room for it, an arrangement lasts as long as the page. */
function keep(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    localStorage.removeItem(key);
  }
}

export function isPlain({ order, pinned, widths, hidden }: DatasetLayout): boolean {
  return (
    order.length === 0 &&
    pinned.length === 0 &&
    hidden.length === 0 &&
    Object.keys(widths).length === 0
  );
}

/** Takes from what was kept what makes sense. */
export function readLayout(text: string | null): DatasetLayout {
  if (text === null) return PLAIN;
  let kept: unknown;
  try {
    kept = JSON.parse(text);
  } catch {
    return PLAIN;
  }
  if (typeof kept !== 'object' || kept === null) return PLAIN;
  const { order, pinned, widths, hidden } = kept as Record<string, unknown>;
  const sizes = typeof widths === 'object' && widths !== null ? Object.entries(widths) : [];
  return {
    order: names(order),
    pinned: names(pinned),
    hidden: names(hidden),
    widths: Object.fromEntries(
      sizes.filter((size): size is [string, number] => typeof size[1] === 'number'),
    ),
  };
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}
