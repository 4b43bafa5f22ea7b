// graphql-codegen: types and typed documents from the printed schema and from introspection, and
// TypeScript that uses them and compiles.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescript from '@graphql-codegen/typescript';
import * as operations from '@graphql-codegen/typescript-operations';
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  parse,
  printSchema,
  printType,
  validateSchema,
} from 'graphql';
import { ask, sdl } from './server.mjs';

const DOCUMENT = `
  query Dashboard($where: OrdersBoolExp, $after: String, $id: ID!) {
    ordersConnection(first: 10, after: $after, where: $where, orderBy: [{ total: DESC }]) {
      totalCount
      edges { cursor node { ...OrderRow } }
      pageInfo { hasNextPage endCursor }
    }
    ordersAggregate(where: $where) { aggregate { count sum { total } max { orderDate } } }
    ordersByPk(id: 1) { ...OrderRow buyer { name ordersConnection(first: 1) { totalCount } } }
    node(nodeId: $id) { __typename nodeId ... on Customers { name } ... on Orders { total } }
  }
  fragment OrderRow on Orders { nodeId id orderDate total paid status }`;

const USE = `
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { DashboardDocument, type DashboardQuery, type DashboardQueryVariables } from './generated';

const document: TypedDocumentNode<DashboardQuery, DashboardQueryVariables> = DashboardDocument;
export const variables: DashboardQueryVariables = { id: 'x', where: { status: { _in: ['open'] } } };
export function totals(data: DashboardQuery): string[] {
  const end: string | null | undefined = data.ordersConnection.pageInfo.endCursor;
  const count: number = data.ordersConnection.totalCount;
  if (data.node?.__typename === 'Customers') {
    const name: string | null | undefined = data.node.name;
    return [String(end), String(count), String(name)];
  }
  // @ts-expect-error: a column may have no value
  const total: string = data.ordersConnection.edges[0]!.node.total;
  return [total, document.kind];
}
// @ts-expect-error: there is no such operator
export const wrong: DashboardQueryVariables = { id: 'x', where: { status: { _is: 'open' } } };
`;

async function generate(schema) {
  return codegen({
    filename: 'generated.ts',
    schema: parse(printSchema(schema)),
    schemaAst: schema,
    documents: [{ location: 'dashboard.graphql', document: parse(DOCUMENT) }],
    config: {
      strictScalars: true,
      scalars: {
        BigInt: 'string',
        Decimal: 'string',
        Date: 'string',
        LocalTime: 'string',
        LocalDateTime: 'string',
        DateTime: 'string',
        UUID: 'string',
        JSON: 'unknown',
        Upload: 'File',
      },
    },
    plugins: [{ typescript: {} }, { operations: {} }, { typedDocumentNode: {} }],
    pluginMap: { typescript, operations, typedDocumentNode },
  });
}

test('generated types compile', async () => {
  const printed = buildSchema(await sdl());
  const introspected = buildClientSchema(await ask(getIntrospectionQuery()));
  const folder = mkdtempSync(join(tmpdir(), 'sluice-codegen-'));
  const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
  try {
    symlinkSync(modules, join(folder, 'node_modules'));
    writeFileSync(join(folder, 'use.ts'), USE);
    const options = { strict: true, noEmit: true, skipLibCheck: true, lib: ['ES2022', 'DOM'] };
    const compilerOptions = { ...options, module: 'ESNext', moduleResolution: 'Bundler', types: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    for (const schema of [printed, introspected]) {
      assert.deepEqual(validateSchema(schema), []);
      writeFileSync(join(folder, 'generated.ts'), await generate(schema));
      const tsc = join(modules, 'typescript/bin/tsc');
      await promisify(execFile)(process.execPath, [tsc, '-p', folder]);
    }
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout ?? ''}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('both ways to the schema tell the same', async () => {
  const printed = lexicographicSortSchema(buildSchema(await sdl()));
  const introspected = buildClientSchema(await ask(getIntrospectionQuery()));
  // Introspection leaves out types that nothing leads to.
  for (const type of Object.values(lexicographicSortSchema(introspected).getTypeMap())) {
    assert.equal(printType(type), printType(printed.getType(type.name)));
  }
});
