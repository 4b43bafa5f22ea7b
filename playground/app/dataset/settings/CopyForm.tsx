import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundCopyDatasetDocument } from '../../api/operations';
import { useChange } from '../change';
import { WAIT_SECONDS } from '../job';
import { Problem } from '../../shell/Problem';
import { Progress } from '../Progress';
import { NameInput } from './NameInput';

/** Makes another dataset of the same columns, rows and key, and opens it. */
export function CopyForm({ dataset }: { dataset: Dataset }): ReactElement {
  const [name, setName] = useState(`${dataset.name}Copy`);
  const navigate = useNavigate();
  const change = useChange(async (to: string) => {
    const { copyDataset } = await request(PlaygroundCopyDatasetDocument, {
      from: dataset.name,
      to,
      wait: WAIT_SECONDS,
    });
    return copyDataset.job;
  });
  return (
    <section className="tab-section" aria-labelledby="settings-copy">
      <h2 id="settings-copy">Copy</h2>
      <form
        className="dialog-form settings-form"
        onSubmit={(event) => {
          event.preventDefault();
          void change.run(name.trim()).then((job) => {
            const made = job === false ? undefined : job?.datasets[0]?.name;
            if (made !== undefined)
              void navigate({ to: '/datasets/$name', params: { name: made } });
          });
        }}
      >
        <NameInput
          present={dataset.name}
          name={name}
          onName={setName}
          change={change}
          action="Make a copy"
          aria-label="Name of the copy"
        />
        <p className="hint">
          The copy has the same columns, rows and key. Policies, relations, webhooks and indexes
          stay the original’s alone.
        </p>
        <Progress change={change} />
        <Problem error={change.error} />
      </form>
    </section>
  );
}
