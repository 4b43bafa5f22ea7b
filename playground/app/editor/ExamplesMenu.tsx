import { useGraphiQL } from '@graphiql/react';
import { useQuery } from '@tanstack/react-query';
import { Popover } from 'radix-ui';
import { useState, type ReactElement } from 'react';
import { useDatasets, type Dataset } from '../api/catalog';
import { messageOf } from '../api/error';
import { request, requestText } from '../api/graphql';
import { useMe } from '../api/me';
import { PlaygroundExamplesDocument } from '../api/operations';
import { useSession } from '../session/session';
import { Icon } from '../shell/Icon';
import { examplesOf, type Example } from './examples';
import { openQuery } from './requests';

/** Ready examples of a dataset, each opened in a tab of its own. */
export function ExamplesMenu(): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover.Root open={isOpen} onOpenChange={setOpen}>
      <Popover.Trigger className="button examples-button">
        <Icon name="book" />
        Examples
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="examples"
          align="end"
          sideOffset={6}
          collisionPadding={8}
          aria-label="Ready examples"
          // The focus goes to the query that was opened.
          onCloseAutoFocus={(event) => {
            if (!isOpen && hasJustOpened()) event.preventDefault();
          }}
        >
          <Examples onDone={() => setOpen(false)} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function hasJustOpened(): boolean {
  return document.activeElement?.closest('.graphiql-query-editor') != null;
}

function Examples({ onDone }: { onDone: () => void }): ReactElement {
  const { data: datasets = [] } = useDatasets();
  const query = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.query ?? '');
  const [chosen, setChosen] = useState<string | null>(null);
  const dataset = datasets.find(({ name }) => name === chosen) ?? datasetOf(query, datasets);
  if (!dataset) {
    return <p className="hint">Examples are made of a dataset’s columns. Load a file first.</p>;
  }
  return (
    <>
      <span className="examples-dataset">
        <label htmlFor="examples-dataset">Examples for</label>
        <select
          id="examples-dataset"
          className="input"
          value={dataset.name}
          onChange={(event) => setChosen(event.target.value)}
        >
          {datasets.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </span>
      <ExampleList key={dataset.name} dataset={dataset} onDone={onDone} />
    </>
  );
}

function ExampleList(props: { dataset: Dataset; onDone: () => void }): ReactElement {
  const { dataset, onDone } = props;
  const { canWrite } = useMe();
  const { data: examples, error } = useExamples(dataset, canWrite);
  if (error) {
    return (
      <p role="alert" className="failure">
        {messageOf(error)}
      </p>
    );
  }
  if (!examples) return <p className="hint">Looking at the columns…</p>;
  const groups = [...new Set(examples.map(({ group }) => group))];
  function open({ document, variables }: Example): void {
    openQuery(document, variables);
    onDone();
  }
  return (
    <>
      {groups.map((group) => (
        <section key={group} aria-labelledby={`examples-${group}`}>
          <h3 id={`examples-${group}`}>{group}</h3>
          <ul>
            {examples
              .filter((example) => example.group === group)
              .map((example) => (
                <li key={example.title}>
                  <button type="button" className="examples-item" onClick={() => open(example)}>
                    {example.title}
                  </button>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </>
  );
}

type Ids = Record<'first' | 'last', { id: unknown }[]>;

function useExamples(dataset: Dataset, canWrite: boolean) {
  const key = useSession((session) => session.key);
  return useQuery({
    queryKey: ['examples', key, dataset.name, dataset.version, canWrite],
    queryFn: async ({ signal }) => {
      const list = dataset.listField;
      const ids = `{ first: ${list}(limit: 1) { id } last: ${list}(limit: 1, orderBy: [{ id: DESC }]) { id } }`;
      const [{ dataset: details }, { first, last }] = await Promise.all([
        request(PlaygroundExamplesDocument, { name: dataset.name }, signal),
        requestText<Ids>(ids, {}, signal),
      ]);
      if (!details) return [];
      return examplesOf(details, { canWrite, firstId: first[0]?.id, lastId: last[0]?.id });
    },
  });
}

/** The dataset that a document speaks of, else the first. */
function datasetOf(query: string, datasets: readonly Dataset[]): Dataset | undefined {
  const words = new Set(query.match(/\w+/g));
  const isNamed = ({ listField }: Dataset) =>
    ['', 'Aggregate', 'GroupBy', 'Connection', 'ByPk'].some((end) => words.has(listField + end));
  return datasets.find(isNamed) ?? datasets[0];
}
