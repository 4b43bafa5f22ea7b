import { useGraphiQL, useOperationsEditorState } from '@graphiql/react';
import { OperationTypeNode, type GraphQLNamedType, type OperationDefinitionNode } from 'graphql';
import { useMemo, useState, type ReactElement } from 'react';
import './builder.css';
import { BuilderEdits, type Edits } from './context';
import {
  changeField,
  fieldNamed,
  fieldsOf,
  newOperation,
  operationsIn,
  readDocument,
  withArgument,
  withOperation,
  withVariable,
  writeDocument,
} from './edit';
import { FieldRow } from './FieldRow';

const KINDS = [
  [OperationTypeNode.QUERY, 'Query'],
  [OperationTypeNode.MUTATION, 'Mutation'],
  [OperationTypeNode.SUBSCRIPTION, 'Subscription'],
] as const;

/** The schema as a tree: what is checked is in the document, and the document in the tree. */
export function Builder(): ReactElement {
  const { schema, queryEditor, operationName, tab } = useGraphiQL((state) => ({
    schema: state.schema,
    queryEditor: state.queryEditor,
    operationName: state.operationName,
    tab: state.tabs[state.activeTabIndex]?.id ?? '',
  }));
  const [text] = useOperationsEditorState();
  const document = useMemo(() => readDocument(text), [text]);
  const [wantedKind, setKind] = useState<OperationTypeNode | null>(null);
  const [search, setSearch] = useState('');

  const operations = document ? operationsIn(document) : [];
  const current = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  const kind = wantedKind ?? current?.operation ?? OperationTypeNode.QUERY;
  const operation =
    current?.operation === kind ? current : operations.find((other) => other.operation === kind);
  const root = schema?.getRootType(kind);

  /** As an edit like any other, so that it can be undone in the editor. */
  function write(changed: string): void {
    const model = queryEditor?.getModel();
    if (!queryEditor || !model) return;
    queryEditor.pushUndoStop();
    queryEditor.executeEdits('builder', [{ range: model.getFullModelRange(), text: changed }]);
    queryEditor.pushUndoStop();
  }
  const edits: Edits = {
    change: (path, change) => {
      if (!document || !root) return;
      const whole = operation ?? newOperation(kind, nameFor(path[0] ?? '', operations.length));
      const changed = changeField(whole, path, root, change);
      write(writeDocument(withOperation(document, operation, changed)));
    },
    makeVariable: (path, name, type, value) => {
      if (!document || !root || !operation) return;
      const declared = withVariable(operation, name, type, value);
      const variable = { kind: 'Variable', name: { kind: 'Name', value: declared.name } } as never;
      const changed = changeField(declared.operation, path, root, (field) =>
        field ? withArgument(field, name, variable) : null,
      );
      write(writeDocument(withOperation(document, operation, changed)));
    },
  };

  if (!schema) return <p className="hint">The schema is being read…</p>;
  const isRead = text === queryEditor?.getValue();
  return (
    <section className="builder" aria-labelledby="builder-title">
      <h2 id="builder-title">Query Builder</h2>
      <div className="segments" role="group" aria-label="Kind of operation">
        {KINDS.filter(([one]) => schema.getRootType(one)).map(([one, label]) => (
          <button
            key={one}
            type="button"
            className="button"
            aria-pressed={kind === one}
            onClick={() => setKind(one)}
          >
            {label}
          </button>
        ))}
      </div>
      <input
        type="search"
        className="input"
        placeholder="Search fields"
        aria-label="Search fields"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {document === null ? (
        <p className="hint" role="status">
          The document cannot be read as it stands. Correct it in the editor to go on here.
        </p>
      ) : (
        <BuilderEdits value={edits}>
          {isRead && root && (
            <Fields key={`${tab} ${kind}`} root={root} operation={operation} search={search} />
          )}
        </BuilderEdits>
      )}
    </section>
  );
}

/** The fields at the root: those that the document asked for when it was opened come first. */
function Fields(props: {
  root: GraphQLNamedType;
  operation: OperationDefinitionNode | undefined;
  search: string;
}): ReactElement {
  const { root, operation } = props;
  const isAsked = (name: string) => fieldNamed(operation?.selectionSet, name) !== undefined;
  const [names] = useState(() => {
    const all = Object.keys(fieldsOf(root));
    return [...all.filter(isAsked), ...all.filter((name) => !isAsked(name))];
  });
  const wanted = props.search.trim().toLowerCase();
  const shown = names
    .filter((name) => name.toLowerCase().includes(wanted))
    .flatMap((name) => fieldsOf(root)[name] ?? []);
  if (shown.length === 0) return <p className="hint">No field of that name.</p>;
  return (
    <ul className="builder-fields" aria-label={`Fields of ${root.name}`}>
      {shown.map((definition) => (
        <FieldRow
          key={definition.name}
          definition={definition}
          field={fieldNamed(operation?.selectionSet, definition.name)}
          path={[definition.name]}
        />
      ))}
    </ul>
  );
}

/** Several operations of a document need names that differ. */
function nameFor(field: string, nOperations: number): string {
  const name = field.charAt(0).toUpperCase() + field.slice(1);
  return nOperations === 0 ? name : `${name}${nOperations + 1}`;
}
