import type { ReactElement } from 'react';
import type { OpenApi, Schema } from './document';
import { Fold } from '../shell/Fold';
import { boundsWords, exampleOf, fieldsOf, typeWords } from './schema';

/** What a body holds: its type, an example, and its fields. */
export function SchemaView(props: {
  document: OpenApi;
  schema: Schema;
  mediaType: string | null;
  label: string;
}): ReactElement {
  const { document, schema, mediaType, label } = props;
  const isText = mediaType?.startsWith('text/') ?? false;
  return (
    <>
      <p className="hint">
        {mediaType !== null && <span className="mono">{mediaType}</span>} {typeWords(schema)}
      </p>
      {!isText && (
        <>
          <pre className="example" tabIndex={0} role="region" aria-label={`Example: ${label}`}>
            {JSON.stringify(exampleOf(document, schema), null, 2)}
          </pre>
          <Choices document={document} schema={schema} />
        </>
      )}
    </>
  );
}

/** The fields of each of the shapes that are possible. */
function Choices(props: { document: OpenApi; schema: Schema }): ReactElement {
  const { document, schema } = props;
  // A list has the fields of its entries, which may be a choice of their own.
  const shapes = (schema.oneOf ?? [schema]).map((one) => one.items ?? one);
  const choices = shapes.filter(
    (one, n) =>
      fieldsOf(document, one) !== null &&
      shapes.findIndex((other) => typeWords(other) === typeWords(one)) === n,
  );
  return (
    <>
      {choices.map((one, n) => (
        <Fold key={n} className="schema" title={`Fields of ${titleOf(one)}`}>
          {() => <Fields document={document} schema={one} />}
        </Fold>
      ))}
    </>
  );
}

function titleOf(schema: Schema): string {
  const words = typeWords(schema);
  return words === 'object' ? 'the answer' : words;
}

function Fields(props: { document: OpenApi; schema: Schema }): ReactElement {
  const { document, schema } = props;
  const fields = fieldsOf(document, schema) ?? [];
  if (fields.length === 0) return <p className="hint">It has no fields of its own.</p>;
  return (
    <ul className="reference-list">
      {fields.map(([name, field, isRequired]) => (
        <li key={name}>
          <Named
            name={name}
            schema={field}
            isRequired={isRequired}
            description={field.description}
          />
          {fieldsOf(document, field) !== null && (
            <Fold className="schema" title={`Fields of ${name}`}>
              {() => <Fields document={document} schema={field} />}
            </Fold>
          )}
        </li>
      ))}
    </ul>
  );
}

/** A name with what its values are and mean. */
export function Named(props: {
  name: string;
  schema: Schema;
  isRequired: boolean;
  description: string | undefined;
  place?: string;
}): ReactElement {
  const { name, schema, isRequired, description, place } = props;
  const bounds = boundsWords(schema);
  return (
    <p className="named">
      <code>{name}</code>
      {place !== undefined && <span className="tag">{place}</span>}
      <span className="hint">{typeWords(schema)}</span>
      {isRequired && (
        <span className="tag" data-tone="accent">
          needed
        </span>
      )}
      {description !== undefined && <span className="meaning">{description}</span>}
      {bounds !== null && <span className="hint">{bounds}</span>}
    </p>
  );
}
