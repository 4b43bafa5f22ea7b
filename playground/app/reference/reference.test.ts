import { expect, test } from 'vitest';
import { answersOf, groupsOf, type OpenApi, type Operation } from './document';
import { boundsWords, exampleOf, fieldsOf, typeWords } from './schema';
import { readReferenceSearch } from './search';

const orders = { $ref: '#/components/schemas/Orders' };
const document: OpenApi = {
  info: { title: 'Sluice', version: '1' },
  tags: [{ name: 'catalog', description: 'What there is' }],
  paths: {
    '/api/v1/jobs': {
      get: { operationId: 'listJobs', summary: 'Jobs', tags: ['catalog'], responses: {} },
    },
    '/api/v1/orders': {
      get: {
        operationId: 'listOrders',
        summary: 'Rows',
        tags: ['orders'],
        responses: {
          '200': {
            description: 'Done',
            content: { 'application/json': { schema: { type: 'array', items: orders } } },
          },
          '404': { $ref: '#/components/responses/E404' },
        },
      },
      post: { operationId: 'insertOrders', summary: 'Adds', tags: ['orders'], responses: {} },
    },
  },
  components: {
    schemas: {
      Orders: {
        type: 'object',
        required: ['id'],
        properties: {
          id: { type: 'integer', format: 'int32' },
          total: { type: ['string', 'null'], examples: ['19.90'] },
          day: { type: ['string', 'null'], format: 'date' },
          status: { type: 'string', enum: ['open', 'paid'] },
          next: orders,
        },
      },
    },
    responses: { E404: { description: 'Not Found', content: { 'application/problem+json': {} } } },
    securitySchemes: {},
  },
};

test('operations are found by all words, and stand with what they are about', () => {
  expect(groupsOf(document, '').map(({ tag, operations }) => [tag, operations.length])).toEqual([
    ['catalog', 1],
    ['orders', 2],
  ]);
  expect(groupsOf(document, '')[0]?.description).toBe('What there is');
  const [found, ...others] = groupsOf(document, 'POST orders');
  expect(others).toEqual([]);
  expect(found?.operations.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /api/v1/orders',
  ]);
  expect(groupsOf(document, 'nothing')).toEqual([]);
});

test('answers that all share are looked up', () => {
  const [list] = groupsOf(document, 'listorders')[0]?.operations as [Operation];
  expect(answersOf(document, list)).toEqual([
    {
      status: 200,
      description: 'Done',
      mediaType: 'application/json',
      schema: { type: 'array', items: orders },
    },
    { status: 404, description: 'Not Found', mediaType: 'application/problem+json', schema: null },
  ]);
});

test('schemas are told in words', () => {
  expect(typeWords({ type: 'array', items: orders })).toBe('list of Orders');
  expect(typeWords({ type: ['string', 'null'], format: 'date' })).toBe('string, date or null');
  expect(typeWords({ oneOf: [orders, { type: 'integer' }] })).toBe('Orders or integer');
  expect(typeWords({})).toBe('any');
  expect(boundsWords({ type: 'integer', minimum: 0, maximum: 9 })).toBe('0 to 9');
  expect(boundsWords({ type: 'integer', minimum: 1 })).toBe('1 or more');
  expect(boundsWords({ type: 'string' })).toBe(null);
  const many = Array.from({ length: 20 }, (_, n) => `c${n}`);
  expect(boundsWords({ type: 'array', items: { enum: many } })).toMatch(/^c0, .* and 8 more$/);
});

test('examples fit their schema, and come to an end where it refers to itself', () => {
  const example = exampleOf(document, { type: 'array', items: orders }) as object[];
  expect(example).toHaveLength(1);
  expect(example[0]).toMatchObject({ id: 1, total: '19.90', day: '2026-01-31', status: 'open' });
  expect(JSON.stringify(example).length).toBeLessThan(1000);
  expect(exampleOf(document, { type: 'integer', minimum: 5 })).toBe(5);
  expect(exampleOf(document, {})).toBe(null);
});

test('fields of lists are those of their entries', () => {
  const fields = fieldsOf(document, { type: 'array', items: orders });
  expect(fields?.map(([name, , isRequired]) => [name, isRequired])[0]).toEqual(['id', true]);
  expect(fieldsOf(document, { type: 'string' })).toBe(null);
});

test('an address tells what is looked for', () => {
  expect(readReferenceSearch({ q: 'orders', other: 1 })).toEqual({ q: 'orders' });
  expect(readReferenceSearch({ q: 404 })).toEqual({ q: '404' });
  expect(readReferenceSearch({ q: ['x'] })).toEqual({});
});
