import {
  inner,
  MAX_COLUMNS,
  operation,
  sampleOf,
  type Described,
  type Example,
} from './example-parts';

/** A row is put in, changed and taken out, by variables that the column types take. */
export function changes({
  dataset,
  columns,
  fields,
  keyType,
  keyValue,
  newKey,
}: Described): Example[] {
  const { typeName } = dataset;
  const given = columns.filter(({ generated }) => !generated);
  const object = Object.fromEntries(
    given.slice(0, MAX_COLUMNS).map((column) => [column.name, sampleOf(column)]),
  );
  const first = given.find(({ unique, nullable }) => !unique || nullable);
  return [
    {
      group: 'Change',
      title: 'Insert a row',
      document: operation('mutation', `Insert${typeName}($object: ${typeName}InsertInput!)`, [
        `insert${typeName}One(object: $object) {`,
        ...inner(fields),
        `}`,
      ]),
      variables: JSON.stringify({ object: { ...newKey, ...object } }, null, 2),
    },
    ...(first
      ? [
          {
            group: 'Change' as const,
            title: 'Update a row by its key',
            document: operation(
              'mutation',
              `Update${typeName}($id: ${keyType}!, $set: ${typeName}SetInput!)`,
              [
                `update${typeName}ByPk(pkColumns: { id: $id }, _set: $set) {`,
                ...inner(fields),
                `}`,
              ],
            ),
            variables: `{\n  "id": ${keyValue},\n  "set": ${JSON.stringify({ [first.name]: sampleOf(first) })}\n}`,
          },
        ]
      : []),
    {
      group: 'Change',
      title: 'Delete a row by its key',
      document: operation('mutation', `Delete${typeName}($id: ${keyType}!)`, [
        `delete${typeName}ByPk(id: $id) {`,
        ...inner(fields.slice(0, 4)),
        `}`,
      ]),
      variables: `{\n  "id": ${keyValue}\n}`,
    },
  ];
}
