import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { countOf, formatCount } from '../../format';
import { Busy } from '../../shell/Busy';
import { Problem } from '../../shell/Problem';
import { layersOf, type Placed } from './layout';
import '../tabs.css';
import './picture.css';
import { linksOf, useLinkedDatasets, type Link as Relation, type LinkedDataset } from './relations';

const BOX_WIDTH = 190;
const HEAD_HEIGHT = 46;
const LINE_HEIGHT = 22;
const GAP_X = 110;
const GAP_Y = 26;
const MARGIN = 12;

/** The datasets of the workspace and what links them, as a picture and in words. */
export default function RelationsPage(): ReactElement {
  const { data: datasets, error, refetch } = useLinkedDatasets();
  if (error && !datasets) {
    return (
      <div className="page">
        <Problem error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (!datasets) return <Busy label="Loading the relations" />;
  const links = linksOf(datasets);
  const linked = datasets.filter(({ name }) =>
    links.some(({ from, to }) => from === name || to === name),
  );
  const alone = datasets.filter((dataset) => !linked.includes(dataset));
  return (
    <div className="relations-page">
      <div className="tab-bar">
        <h1>Relations</h1>
        <p className="hint">
          {countOf(datasets.length, 'dataset')}, {countOf(links.length, 'relation')}
        </p>
      </div>
      {links.length === 0 ? (
        <p>
          No datasets are linked yet. Open a dataset and its tab Relations: what the data suggest
          stands there, to be accepted.
        </p>
      ) : (
        <>
          <Picture datasets={linked} links={links} />
          <section className="tab-section" aria-labelledby="relations-in-words">
            <h2 id="relations-in-words">In words</h2>
            <ul className="relation-words">
              {links.map((link) => (
                <li key={`${link.from}.${link.name}`}>
                  <RelationsLink name={link.from} />
                  <code>.{link.column}</code> refers to{' '}
                  {link.to === null ? (
                    'a dataset that was dropped'
                  ) : (
                    <RelationsLink name={link.to} />
                  )}
                  <code>.{link.toColumn}</code>, as <code>{link.name}</code>; back as{' '}
                  <code>{link.inverseName}</code>
                  {!link.active && ' (at rest: a column is gone or cannot be compared)'}
                </li>
              ))}
            </ul>
          </section>
        </>
      )}
      {alone.length > 0 && (
        <section className="tab-section" aria-labelledby="unlinked-datasets">
          <h2 id="unlinked-datasets">Without relations</h2>
          <ul className="relation-words">
            {alone.map(({ name, rowCount }) => (
              <li key={name}>
                <RelationsLink name={name} />{' '}
                <span className="hint">{countOf(rowCount, 'row')}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function RelationsLink({ name }: { name: string }): ReactElement {
  return (
    <Link to="/datasets/$name" params={{ name }} search={{ view: 'relations' }}>
      {name}
    </Link>
  );
}

/** A dataset's box: its columns that take part, in the order of the picture. */
interface Box extends Placed {
  dataset: LinkedDataset;
  columns: string[];
  x: number;
  y: number;
  height: number;
}

function Picture(props: {
  datasets: readonly LinkedDataset[];
  links: readonly Relation[];
}): ReactElement {
  const { datasets, links } = props;
  const boxes = boxesOf(datasets, links);
  const width = Math.max(...boxes.map(({ x }) => x)) + BOX_WIDTH + MARGIN;
  const height = Math.max(...boxes.map((box) => box.y + box.height)) + MARGIN;
  const at = new Map(boxes.map((box) => [box.name, box]));
  return (
    <div
      className="picture-frame"
      tabIndex={0}
      role="region"
      aria-label="Picture of datasets and relations"
    >
      <div className="relations-picture" style={{ width, height }}>
        <svg width={width} height={height} role="img" aria-label={summary(links)}>
          <defs>
            <marker
              id="relation-end"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              orient="auto"
            >
              <path d="M0 0L8 4L0 8z" />
            </marker>
          </defs>
          {links.map((link) => {
            const from = at.get(link.from);
            const to = link.to === null ? undefined : at.get(link.to);
            if (!from || !to) return null;
            return (
              <path
                key={`${link.from}.${link.name}`}
                className="picture-line"
                data-active={link.active}
                d={lineBetween(from, lineY(from, link.column), to, lineY(to, link.toColumn))}
                markerEnd="url(#relation-end)"
              >
                <title>{`${link.from}.${link.column} → ${link.to ?? ''}.${link.toColumn}`}</title>
              </path>
            );
          })}
        </svg>
        {boxes.map(({ name, dataset, columns, x, y, height: boxHeight }) => (
          <Link
            key={name}
            to="/datasets/$name"
            params={{ name }}
            search={{ view: 'relations' }}
            className="picture-box"
            style={{ left: x, top: y, width: BOX_WIDTH, height: boxHeight }}
          >
            <span className="picture-head">
              <strong>{name}</strong>
              <small>{countOf(dataset.rowCount, 'row')}</small>
            </span>
            {columns.map((column) => (
              <span key={column} className="picture-column">
                {column}
              </span>
            ))}
          </Link>
        ))}
      </div>
    </div>
  );
}

function boxesOf(datasets: readonly LinkedDataset[], links: readonly Relation[]): Box[] {
  const byName = new Map(datasets.map((dataset) => [dataset.name, dataset]));
  const placed = layersOf(
    datasets.map(({ name }) => name),
    links.flatMap(({ from, to }) => (to === null ? [] : [{ from, to }])),
  );
  const bottoms = new Map<number, number>();
  return placed.flatMap((place) => {
    const dataset = byName.get(place.name);
    if (!dataset) return [];
    const columns = [
      ...new Set(
        links.flatMap((link) => [
          ...(link.from === place.name ? [link.column] : []),
          ...(link.to === place.name ? [link.toColumn] : []),
        ]),
      ),
    ];
    const height = HEAD_HEIGHT + columns.length * LINE_HEIGHT + 8;
    const y = bottoms.get(place.layer) ?? MARGIN;
    bottoms.set(place.layer, y + height + GAP_Y);
    return [
      { ...place, dataset, columns, x: MARGIN + place.layer * (BOX_WIDTH + GAP_X), y, height },
    ];
  });
}

function lineY(box: Box, column: string): number {
  return box.y + HEAD_HEIGHT + (Math.max(0, box.columns.indexOf(column)) + 0.5) * LINE_HEIGHT;
}

/** A curve from the side of one box to the side of another. */
function lineBetween(from: Box, fromY: number, to: Box, toY: number): string {
  const isRightwards = to.x > from.x;
  const startX = from.x + BOX_WIDTH;
  const endX = isRightwards ? to.x - 2 : to.x + BOX_WIDTH + 2;
  // Back, or within one layer, around the right-hand side.
  const bend = isRightwards ? (endX - startX) / 2 : GAP_X / 2;
  return `M${startX} ${fromY}C${startX + bend} ${fromY} ${isRightwards ? endX - bend : endX + bend} ${toY} ${endX} ${toY}`;
}

function summary(links: readonly Relation[]): string {
  const n = links.length;
  return `${formatCount(n)} ${n === 1 ? 'line' : 'lines'} between datasets; the list below tells the same in words.`;
}
