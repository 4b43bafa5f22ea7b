import { expect, test } from 'vitest';
import { endOfLastLine, firstPart, FIRST_PART_BYTES, isCuttable } from './sample';

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ['a,b\n1,2\n3', 8],
  ['a\n"x\ny', 2],
  ['a\n"x\ny"\nz', 8],
  ['no line', 0],
])('%j is cut after its last whole line', (text, end) => {
  expect(endOfLastLine(bytes(text))).toBe(end);
});

test('UTF-16 is cut between characters', () => {
  const text = [0xff, 0xfe, 0x61, 0, 0x0a, 0, 0x62, 0];
  expect(endOfLastLine(new Uint8Array(text))).toBe(6);
});

test('containers and JSON lists are not cut', () => {
  expect(isCuttable(bytes('PK\u0003\u0004'))).toBe(false);
  expect(isCuttable(new Uint8Array([0x1f, 0x8b, 8]))).toBe(false);
  expect(isCuttable(bytes('\n [{"a":1}]'))).toBe(false);
  expect(isCuttable(bytes('{"a":1}\n{"a":2}\n'))).toBe(true);
  expect(isCuttable(bytes('a,b\n'))).toBe(true);
});

test('a long text is looked at by its beginning, a short one whole', async () => {
  const line = '1,some text\n';
  const long = new File([line.repeat(Math.ceil(FIRST_PART_BYTES / line.length) + 10)], 'long.csv');
  const part = await firstPart(long);
  expect(part.isWhole).toBe(false);
  expect(part.content.size % line.length).toBe(0);
  expect(part.content.size).toBeLessThanOrEqual(FIRST_PART_BYTES);
  expect(await firstPart(new File([line], 'short.csv'))).toMatchObject({ isWhole: true });
});
