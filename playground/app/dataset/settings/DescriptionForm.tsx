import { useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundSetDescriptionDocument } from '../../api/operations';
import { useChange } from '../change';
import { Problem } from '../../shell/Problem';

/** Says what the dataset is about. */
export function DescriptionForm(props: { dataset: Dataset; description: string }): ReactElement {
  const { dataset, description } = props;
  const [text, setText] = useState(description);
  const [isSaved, setSaved] = useState(false);
  const change = useChange(async (wanted: string) => {
    await request(PlaygroundSetDescriptionDocument, {
      dataset: dataset.name,
      column: null,
      description: wanted.trim() === '' ? null : wanted,
    });
    return null;
  });
  return (
    <section className="tab-section" aria-labelledby="settings-description">
      <h2 id="settings-description">Description</h2>
      <form
        className="dialog-form settings-form"
        onSubmit={(event) => {
          event.preventDefault();
          void change.run(text).then((job) => setSaved(job !== false));
        }}
      >
        <textarea
          className="input"
          aria-labelledby="settings-description"
          placeholder="What the dataset is about; it stands in the API’s documentation"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setSaved(false);
          }}
        />
        <Problem error={change.error} />
        <div className="settings-actions">
          <button
            type="submit"
            className="button"
            disabled={change.isRunning || text === description}
          >
            Save the description
          </button>
          <span role="status" className="hint">
            {isSaved && 'Saved.'}
          </span>
        </div>
      </form>
    </section>
  );
}
