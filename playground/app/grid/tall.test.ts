import { expect, test } from 'vitest';
import { boxHeight, contentOffset, MAX_SCROLL_PX, scrollPosition } from './tall';

const SHORT = 3_000_000;
const TALL = 320_000_000;

test('a content that fits scrolls as ever', () => {
  expect(boxHeight(SHORT)).toBe(SHORT);
  expect(contentOffset(1_234_567, SHORT)).toBe(1_234_567);
  expect(scrollPosition(1_234_567, SHORT)).toBe(1_234_567);
});

test('a tall content reaches from end to end', () => {
  expect(boxHeight(TALL)).toBe(MAX_SCROLL_PX);
  expect(contentOffset(0, TALL)).toBe(0);
  expect(contentOffset(MAX_SCROLL_PX - 700, TALL)).toBe(TALL - 700);
});

test.each([0, 999_999, 1_000_000, 1_000_001, 5e6, TALL - 1e6 - 1, TALL - 1e6, TALL - 1])(
  'offset %d comes back',
  (offset) => {
    expect(contentOffset(scrollPosition(offset, TALL), TALL)).toBeCloseTo(offset, 3);
  },
);

test('further down is further down', () => {
  let before = -1;
  for (let top = 0; top <= MAX_SCROLL_PX; top += 250_000) {
    const offset = contentOffset(top, TALL);
    expect(offset).toBeGreaterThan(before);
    before = offset;
  }
});
