import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundCopyDatasetDocument } from '../../api/operations';
import { useChange } from '../change';
import { WAIT_SECONDS } from '../job';
import { Problem } from '../Problem';
import { Progress } from '../Progress';

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
        <div className="settings-actions">
          <input
            className="input mono"
            aria-label="Name of the copy"
            autoComplete="off"
            spellCheck={false}
            required
            value={name}
            onChange={(event) => {
              setName(event.target.value);
              change.reset();
            }}
          />
          <button
            type="submit"
            className="button"
            disabled={change.isRunning || name.trim() === '' || name.trim() === dataset.name}
          >
            Make a copy
          </button>
        </div>
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
