import { expect, test } from 'vitest';
import { layersOf } from './layout';

const layerOf = (names: string[], edges: [string, string][]) =>
  Object.fromEntries(
    layersOf(
      names,
      edges.map(([from, to]) => ({ from, to })),
    ).map(({ name, layer }) => [name, layer]),
  );

test('each stands left of what it refers to', () => {
  expect(
    layerOf(
      ['countries', 'customers', 'items', 'orders', 'products'],
      [
        ['orders', 'customers'],
        ['items', 'orders'],
        ['items', 'products'],
        ['customers', 'countries'],
      ],
    ),
  ).toEqual({ items: 0, orders: 1, products: 1, customers: 2, countries: 3 });
});

test('a circle, a link to itself and links to nowhere do no harm', () => {
  const layers = layerOf(
    ['a', 'b', 'c'],
    [
      ['a', 'b'],
      ['b', 'a'],
      ['c', 'c'],
      ['c', 'gone'],
    ],
  );
  expect(layers).toEqual({ a: 0, b: 1, c: 0 });
});

test('who refers to something far right stands right before it', () => {
  const layers = layerOf(
    ['a', 'b', 'c', 'late'],
    [
      ['a', 'b'],
      ['b', 'c'],
      ['late', 'c'],
    ],
  );
  expect(layers['late']).toBe(1);
});

test('those that are linked stand side by side', () => {
  const placed = layersOf(
    ['a', 'b', 'x', 'y'],
    [
      { from: 'a', to: 'y' },
      { from: 'b', to: 'x' },
    ],
  );
  const place = (name: string) => placed.find((one) => one.name === name)?.place;
  expect(place('a')).toBe(place('y'));
  expect(place('b')).toBe(place('x'));
});
