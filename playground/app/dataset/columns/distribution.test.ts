import { parse } from 'graphql';
import { expect, test } from 'vitest';
import type { ColumnType } from '../../api/catalog';
import { barsOf, distributionQuery, enumName, planFor, type Plan } from './distribution';

test.each<[ColumnType, string, string, Plan | null]>([
  ['INT', '1', '60', { by: 'bin', width: '2', step: 2 }],
  ['INT', '1', '4', { by: 'bin', width: '1', step: 1 }],
  ['INT', '7', '7', null],
  ['BIGINT', '0', '9007199254740993', { by: 'bin', width: '500000000000000', step: 5e14 }],
  ['DECIMAL', '1.00', '403.02', { by: 'bin', width: '20', step: 20 }],
  ['DECIMAL', '0.10', '0.20', { by: 'bin', width: '0.01', step: 0.01 }],
  ['FLOAT', '0.001', '0.002', { by: 'bin', width: '0.00005', step: 5e-5 }],
  ['FLOAT', '-1e300', '1e-300', null],
  ['DATE', '2024-01-01', '2024-01-31', { by: 'period', truncate: 'DAY' }],
  ['DATE', '2023-01-01', '2024-11-30', { by: 'period', truncate: 'MONTH' }],
  ['DATE', '1990-01-01', '2024-11-30', { by: 'period', truncate: 'YEAR' }],
  ['DATE_TIME', '2024-01-01T00:00:00Z', '2024-01-01T09:30:00Z', { by: 'period', truncate: 'HOUR' }],
  ['UUID', 'a', 'b', null],
])('%s from %s to %s', (type, min, max, plan) => {
  const found = planFor(type, { min, max, distinctCount: '9' }, 100);
  if (plan?.by === 'bin' && found?.by === 'bin') {
    expect(found.step).toBeCloseTo(plan.step, 9);
    expect(found.width).toBe(plan.width);
  } else {
    expect(found).toEqual(plan);
  }
});

test('texts are counted where they repeat', () => {
  const text = (distinctCount: string) => ({ min: null, max: null, distinctCount });
  expect(planFor('STRING', text('40'), 2_000)).toEqual({ by: 'value' });
  expect(planFor('STRING', text('1900'), 2_000)).toBeNull();
  expect(planFor('STRING', text('20000'), 2_000_000)).toBeNull();
});

test('bins between the first and the last have bars, nulls have none', () => {
  const groups = [
    { key: '20.00', count: 2 },
    { key: '0.00', count: 5 },
    { key: null, count: 9 },
  ];
  expect(barsOf({ by: 'bin', width: '10', step: 10 }, groups)).toEqual([
    { label: '0 to 10', count: 5 },
    { label: '10 to 20', count: 0 },
    { label: '20 to 30', count: 2 },
  ]);
});

test.each([
  ['MONTH', '2023-12-01', '2024-02-01', ['2023-12', '2024-01', '2024-02']],
  ['QUARTER', '2023-10-01', '2024-01-01', ['2023 Q4', '2024 Q1']],
  ['WEEK', '2024-01-01', '2024-01-08', ['the week of 2024-01-01', 'the week of 2024-01-08']],
  ['DAY', '2024-02-28', '2024-03-01', ['2024-02-28', '2024-02-29', '2024-03-01']],
  ['HOUR', '2024-01-01T09:00:00', '2024-01-01T10:00:00', ['2024-01-01 09:00', '2024-01-01 10:00']],
] as const)('periods: %s', (truncate, first, last, labels) => {
  const bars = barsOf({ by: 'period', truncate }, [
    { key: first, count: 1 },
    { key: last, count: 1 },
  ]);
  expect(bars.map(({ label }) => label)).toEqual(labels);
});

test('each plan is a query that parses', () => {
  const plans: Plan[] = [
    { by: 'bin', width: '0.5', step: 0.5 },
    { by: 'period', truncate: 'MONTH' },
    { by: 'value' },
  ];
  for (const plan of plans) {
    expect(() =>
      parse(distributionQuery({ listField: 'orders' }, 'orderedAt', plan)),
    ).not.toThrow();
  }
  expect(enumName('orderedAt')).toBe('ORDERED_AT');
});
