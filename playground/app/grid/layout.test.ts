import { expect, test } from 'vitest';
import { movedTo, PLAIN_LAYOUT, withPin, withPlace, withWidth } from './layout';

test('columns move', () => {
  expect(movedTo(['a', 'b', 'c'], 'a', 1)).toEqual(['b', 'a', 'c']);
  expect(movedTo(['a', 'b', 'c'], 'c', -1)).toEqual(['c', 'a', 'b']);
  expect(movedTo(['a', 'b', 'c'], 'a', 9)).toEqual(['b', 'c', 'a']);
});

test('a pinned column moves among the pinned ones', () => {
  const layout = { ...PLAIN_LAYOUT, pinned: withPin(withPin([], 'b', true), 'a', true) };
  const moved = withPlace(layout, ['b', 'a', 'c'], 'a', 0);
  expect(moved.pinned).toEqual(['a', 'b']);
  expect(withPlace(moved, ['a', 'b', 'c'], 'c', 2).pinned).toEqual(['a', 'b']);
  expect(withPin(moved.pinned, 'a', false)).toEqual(['b']);
});

test('no column vanishes by its width', () => {
  expect(withWidth(PLAIN_LAYOUT, 'a', -5).widths).toEqual({ a: 56 });
});
