// Writes the types of the app's operations: `app/**/*.graphql` checked against `schema.graphql`,
// which is what `sluice schema` prints for a workspace without datasets.
//
//   node scripts/codegen.mjs
//
// The result, `app/api/operations.ts`, is not kept in the repository.
import { codegen } from '@graphql-codegen/core';
import * as typedDocuments from '@graphql-codegen/typed-document-node';
import * as types from '@graphql-codegen/typescript';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));
const target = join(folder, 'app/api/operations.ts');

const schema = parse(await readFile(join(folder, 'schema.graphql'), 'utf8'));
const names = (await readdir(join(folder, 'app'), { recursive: true }))
  .filter((name) => name.endsWith('.graphql'))
  .sort();
const documents = await Promise.all(
  names.map(async (name) => ({
    location: name,
    document: parse(await readFile(join(folder, 'app', name), 'utf8')),
  })),
);
const text = await codegen({
  filename: target,
  schema,
  documents,
  config: {
    // Documents are text: the first screen needs no GraphQL library.
    documentMode: 'string',
    // Only the types that operations use.
    onlyOperationTypes: true,
    useTypeImports: true,
    enumsAsTypes: true,
    skipTypename: true,
    // Answers have every field that was asked for; variables that may be null may be left out.
    avoidOptionals: { field: true },
    strictScalars: true,
    scalars: {
      BigInt: 'string',
      Date: 'string',
      DateTime: 'string',
      Decimal: 'string',
      JSON: 'unknown',
      LocalDateTime: 'string',
      LocalTime: 'string',
      UUID: 'string',
      Upload: 'never',
    },
  },
  pluginMap: { types, operations, typedDocuments },
  plugins: [{ types: {} }, { operations: {} }, { typedDocuments: {} }],
});
// Unchanged files are left alone, so that a watching build does not start again.
const before = await readFile(target, 'utf8').catch(() => null);
if (before !== text) await writeFile(target, text);
