import { expect, test } from 'vitest';
import { datasetNameForFile } from './names';

test.each([
  ['orders.csv', 'orders'],
  ['Orders 2024.CSV', 'Orders 2024'],
  ['orders.csv.gz', 'orders'],
  ['v1.2.tsv', 'v1.2'],
  ['noextension', 'noextension'],
  ['.csv', 'dataset'],
])('%s', (file, name) => {
  expect(datasetNameForFile(file)).toBe(name);
});
