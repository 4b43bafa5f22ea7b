import { expect, test } from 'vitest';
import type { AnswerTable } from '../tabular';
import { adjusted, suggest } from './choice';
import { fieldsOf, timeOf } from './fields';
import { pointsOf, summaryOf } from './points';

function table(rows: Record<string, unknown>[]): AnswerTable {
  return { name: 't', columns: [...new Set(rows.flatMap((row) => Object.keys(row)))], rows };
}

test('columns are placed by what their values are', () => {
  const fields = fieldsOf(
    table([
      { id: 1, day: '2025-01-31', total: '10.50', zip: '00123', ok: true, list: [1], none: null },
      { id: 2, day: null, total: null, zip: '99999', ok: false, list: [], none: null },
    ]),
  );
  expect(fields.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'id number',
    'day time',
    'total number',
    'zip category',
    'ok category',
  ]);
});

test('a local date-time is taken as UTC, so that no day moves', () => {
  expect(timeOf('2025-01-31')?.toISOString()).toBe('2025-01-31T00:00:00.000Z');
  expect(timeOf('2025-01-31T23:30:00')?.toISOString()).toBe('2025-01-31T23:30:00.000Z');
  expect(timeOf('2025-01-31T23:30:00+02:00')?.toISOString()).toBe('2025-01-31T21:30:00.000Z');
  expect(timeOf('12:00:00')).toBeNull();
});

test.each([
  [
    'groups by month are a line',
    [
      { 'keys.day': '2025-01-01', 'aggregate.sum.total': '1.5' },
      { 'keys.day': '2025-02-01', 'aggregate.sum.total': '2.5' },
    ],
    { kind: 'line', x: 'keys.day', y: 'aggregate.sum.total', aggregate: 'none', series: null },
  ],
  [
    'groups by month and status are a line of each status',
    [
      { day: '2025-01-01', status: 'a', n: 1 },
      { day: '2025-01-01', status: 'b', n: 2 },
      { day: '2025-02-01', status: 'a', n: 3 },
    ],
    { kind: 'line', x: 'day', y: 'n', aggregate: 'none', series: 'status' },
  ],
  [
    'groups by a category are bars',
    [
      { 'keys.status': 'a', 'aggregate.count': 3 },
      { 'keys.status': null, 'aggregate.count': 2 },
      { 'keys.status': 'b', 'aggregate.count': 4 },
    ],
    { kind: 'bar', x: 'keys.status', y: 'aggregate.count', aggregate: 'none', series: null },
  ],
  [
    'rows of a category are added up',
    [
      { id: 1, status: 'a', total: '1' },
      { id: 2, status: 'b', total: '2' },
      { id: 3, status: 'a', total: '3' },
      { id: 4, status: 'b', total: '3' },
    ],
    { kind: 'bar', x: 'status', y: 'total', aggregate: 'sum', series: null },
  ],
  [
    'two numbers are a scatter plot',
    [
      { id: 1, width: 1.5, height: 2 },
      { id: 2, width: 2.5, height: 3 },
    ],
    { kind: 'scatter', x: 'width', y: 'height', aggregate: 'none', series: null },
  ],
  [
    'categories alone are counted',
    [{ status: 'a' }, { status: 'b' }, { status: 'a' }],
    { kind: 'bar', x: 'status', y: null, aggregate: 'count', series: null },
  ],
])('%s', (_, rows, choice) => {
  expect(suggest(table(rows))).toEqual(choice);
});

test('nothing is drawn of nothing', () => {
  expect(suggest(table([{ list: [1] }, { list: null }]))).toBeNull();
});

test('rows at one place become one number', () => {
  const rows = table([
    { s: 'b', n: '1.5', t: 'x' },
    { s: 'a', n: 2, t: 'x' },
    { s: 'b', n: 4, t: 'y' },
    { s: 'b', n: null, t: 'y' },
    { s: null, n: 1, t: 'y' },
  ]);
  const drawn = (aggregate: 'sum' | 'avg' | 'min' | 'max' | 'count') =>
    pointsOf(rows, fieldsOf(rows), {
      kind: 'bar',
      x: 's',
      y: 'n',
      aggregate,
      series: null,
    }).points.map(({ x, y }) => [x, y]);
  expect(drawn('sum')).toEqual([
    ['b', 5.5],
    ['a', 2],
    ['(none)', 1],
  ]);
  expect(drawn('avg')[0]).toEqual(['b', 2.75]);
  expect(drawn('min')[0]).toEqual(['b', 1.5]);
  expect(drawn('max')[0]).toEqual(['b', 4]);
  expect(drawn('count')[0]).toEqual(['b', 3]);
});

test('what cannot be placed or measured is counted, what is too much is left out', () => {
  const rows = table([
    ...Array.from({ length: 70 }, (_, index) => ({ s: `c${index}`, n: index })),
    { s: 'x', n: null },
  ]);
  const choice = { kind: 'bar', x: 's', y: 'n', aggregate: 'none', series: null } as const;
  const points = pointsOf(rows, fieldsOf(rows), choice);
  expect([points.points.length, points.nMissing, points.nLeftOut]).toEqual([60, 1, 10]);
  expect(summaryOf(choice, points)).toBe('Bar chart: n by s; 60 values from 0 to 59.');
});

test('changes hold as far as the table has the columns', () => {
  const rows = table([
    { s: 'a', n: 1, m: 2 },
    { s: 'b', n: 2, m: 3 },
  ]);
  const suggested = suggest(rows);
  if (!suggested) throw new Error('nothing was suggested');
  expect(adjusted(rows, suggested, { y: 'm', x: 'gone', series: 'gone' })).toEqual({
    ...suggested,
    y: 'm',
  });
  expect(adjusted(rows, suggested, { aggregate: 'count' }).y).toBeNull();
  const counted = { ...suggested, y: null, aggregate: 'count' } as const;
  expect(adjusted(rows, counted, { aggregate: 'sum' }).y).toBe('n');
});

test('an area has a height everywhere', () => {
  const rows = table([
    { day: '2025-01-01', s: 'a', n: 1 },
    { day: '2025-01-01', s: 'b', n: 2 },
    { day: '2025-02-01', s: 'b', n: 3 },
  ]);
  const { points } = pointsOf(rows, fieldsOf(rows), {
    kind: 'area',
    x: 'day',
    y: 'n',
    aggregate: 'none',
    series: 's',
  });
  expect(points.map(({ xText, series, y }) => `${xText} ${series ?? ''} ${y}`)).toEqual([
    '2025-01-01 a 1',
    '2025-01-01 b 2',
    '2025-02-01 b 3',
    '2025-02-01 a 0',
  ]);
});
