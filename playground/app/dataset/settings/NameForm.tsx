import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useId, useState, type ReactElement } from 'react';
import { DATASETS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import {
  PlaygroundDropOldNameDocument,
  PlaygroundRenameDatasetDocument,
} from '../../api/operations';
import { useSession } from '../../session/session';
import { useChange } from '../change';
import { Confirm } from '../../shell/Confirm';
import { Progress } from '../Progress';
import { Problem } from '../../shell/Problem';
import { NameInput } from './NameInput';

/** Gives the dataset another name. */
export function NameForm({ dataset }: { dataset: Dataset }): ReactElement {
  const [name, setName] = useState(dataset.name);
  const client = useQueryClient();
  const key = useSession((session) => session.key);
  const navigate = useNavigate();
  const id = useId();
  const change = useChange(async (wanted: string) => {
    const { renameDataset } = await request(PlaygroundRenameDatasetDocument, {
      dataset: dataset.name,
      name: wanted,
    });
    // The page goes along before the list is read anew: under its old name there is nothing.
    client.setQueryData<Dataset[]>([DATASETS_QUERY_KEY, key], (list) =>
      list?.map((known) => (known.name === dataset.name ? { ...known, ...renameDataset } : known)),
    );
    await navigate({
      to: '/datasets/$name',
      params: { name: renameDataset.name },
      search: { view: 'settings' },
      replace: true,
    });
    return null;
  });
  return (
    <section className="tab-section" aria-labelledby="settings-name">
      <h2 id="settings-name">Name</h2>
      <form
        className="dialog-form settings-form"
        onSubmit={(event) => {
          event.preventDefault();
          void change.run(name.trim());
        }}
      >
        <NameInput
          present={dataset.name}
          name={name}
          onName={setName}
          change={change}
          action="Rename"
          aria-labelledby="settings-name"
          aria-describedby={id}
        />
        <p className="hint" id={id}>
          Its types are called differently at once. Queries by the old root fields go on being
          answered, marked as deprecated, until you drop the old name or another dataset takes it.
        </p>
        <Problem error={change.error} />
      </form>
    </section>
  );
}

/** The names that it had before and still answers to. */
export function OldNames(props: { names: readonly string[]; mayDrop: boolean }): ReactElement {
  const drop = useChange(async (name: string) => {
    await request(PlaygroundDropOldNameDocument, { name });
    return null;
  });
  return (
    <section className="tab-section" aria-labelledby="settings-old-names">
      <h2 id="settings-old-names">Old names that it still answers to</h2>
      <ul className="entries settings-form">
        {props.names.map((name) => (
          <li key={name} className="entry entry-title">
            <code>{name}</code>
            <span className="spacer" />
            {props.mayDrop && (
              <Confirm
                title={`Drop the old name ${name}?`}
                action="Drop the old name"
                isDanger
                onConfirm={() => drop.mustRun(name)}
                progress={<Progress change={drop} />}
                trigger={
                  <button
                    type="button"
                    className="button compact danger"
                    aria-label={`Drop the old name ${name}`}
                  >
                    Drop
                  </button>
                }
              >
                <p>
                  Queries that ask for <code>{name}</code> fail from then on. Make sure that no
                  client uses it any more.
                </p>
              </Confirm>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
