import { expect, test } from 'vitest';
import { credentialInFragment } from './fragment';

test.each([
  ['', null],
  ['#', null],
  ['#section', null],
  ['#token=', null],
  ['#token=abc', { kind: 'token', token: 'abc' }],
  ['#key=slk_a.b-c', { kind: 'key', key: 'slk_a.b-c' }],
  ['#key=a+b%2Fc%3D', { kind: 'key', key: 'a+b/c=' }],
  ['#key=100%', { kind: 'key', key: '100%' }],
  ['#key=a=b', { kind: 'key', key: 'a=b' }],
  ['#x=1&token=abc', { kind: 'token', token: 'abc' }],
])('%s', (fragment, credential) => {
  expect(credentialInFragment(fragment)).toEqual(credential);
});
