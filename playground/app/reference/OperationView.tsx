import type { ReactElement } from 'react';
import {
  answersOf,
  mediaTypeIn,
  schemaIn,
  type Answer,
  type OpenApi,
  type Operation,
} from './document';
import { Fold } from '../shell/Fold';
import { Named, SchemaView } from './SchemaView';

/** One method of a path: what it takes, and what it answers. */
export function OperationView(props: {
  document: OpenApi;
  operation: Operation;
  isOpenAtFirst: boolean;
}): ReactElement {
  const { document, operation, isOpenAtFirst } = props;
  const { method, path, summary } = operation;
  return (
    <Fold
      className="operation"
      isOpenAtFirst={isOpenAtFirst}
      title={
        <span className="operation-title">
          <span className="method" data-method={method}>
            {method}
          </span>
          <code>{path}</code>
          <span className="hint">{summary}</span>
        </span>
      }
    >
      {() => <Particulars document={document} operation={operation} />}
    </Fold>
  );
}

function Particulars(props: { document: OpenApi; operation: Operation }): ReactElement {
  const { document, operation } = props;
  const { description, parameters = [], requestBody } = operation;
  const answers = answersOf(document, operation);
  const good = answers.filter(({ status }) => status < 400);
  const bad = answers.filter(({ status }) => status >= 400);
  const asked = schemaIn(requestBody?.content);
  return (
    <div className="particulars">
      {description !== undefined && <p>{description}</p>}
      {parameters.length > 0 && (
        <section>
          <h3>Parameters</h3>
          <ul className="reference-list">
            {parameters.map((parameter) => (
              <li key={`${parameter.in} ${parameter.name}`}>
                <Named
                  name={parameter.name}
                  schema={parameter.schema ?? schemaIn(parameter.content) ?? {}}
                  isRequired={parameter.required ?? false}
                  description={parameter.description}
                  place={parameter.in}
                />
              </li>
            ))}
          </ul>
        </section>
      )}
      {requestBody && (
        <section>
          <h3>Body{requestBody.required !== true && ', if you like'}</h3>
          {asked ? (
            <SchemaView
              document={document}
              schema={asked}
              mediaType={mediaTypeIn(requestBody.content)}
              label="the body"
            />
          ) : (
            <p className="hint mono">{mediaTypeIn(requestBody.content)}</p>
          )}
        </section>
      )}
      <section>
        <h3>Answers</h3>
        {good.map((answer) => (
          <GoodAnswer key={answer.status} document={document} answer={answer} />
        ))}
      </section>
      <section>
        <h3>Errors</h3>
        <p className="statuses">
          {bad.map(({ status, description: words }) => (
            <span key={status} className="status">
              <strong>{status}</strong> {words}
            </span>
          ))}
        </p>
      </section>
    </div>
  );
}

function GoodAnswer(props: { document: OpenApi; answer: Answer }): ReactElement {
  const { document, answer } = props;
  const { status, description, schema, mediaType } = answer;
  return (
    <div className="answer">
      <p>
        <strong>{status}</strong> {description}
      </p>
      {schema && (
        <SchemaView
          document={document}
          schema={schema}
          mediaType={mediaType}
          label={`answer ${status}`}
        />
      )}
    </div>
  );
}
