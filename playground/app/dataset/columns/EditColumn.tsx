import { useId, useState, type ReactElement } from 'react';
import type { ColumnType, Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import {
  PlaygroundAlterColumnDocument,
  PlaygroundSetDescriptionDocument,
} from '../../api/operations';
import { useChange } from '../change';
import type { ColumnDetails } from '../details';
import { WAIT_SECONDS } from '../job';
import { isLoss, Lost } from '../Lost';
import { Problem } from '../../shell/Problem';
import { Progress } from '../Progress';
import { COLUMN_TYPES, TYPE_WORDS } from './types';

/** Corrects a column: its name, type and description, and whether every row must have a value. */
export function EditColumn(props: {
  dataset: Dataset;
  column: ColumnDetails;
  onDone: () => void;
}): ReactElement {
  const { dataset, column } = props;
  const [name, setName] = useState(column.name);
  const [type, setType] = useState<ColumnType>(column.type);
  const [isRequired, setRequired] = useState(column.required);
  const [description, setDescription] = useState(column.description ?? '');
  const id = useId();
  const isReshaped =
    name.trim() !== column.name || type !== column.type || isRequired !== column.required;
  const isDescribed = description !== (column.description ?? '');

  const change = useChange(async (allowLoss: boolean) => {
    if (!isReshaped) {
      await request(PlaygroundSetDescriptionDocument, {
        dataset: dataset.name,
        column: column.name,
        description: description === '' ? null : description,
      });
      return null;
    }
    const { alterColumn } = await request(PlaygroundAlterColumnDocument, {
      dataset: dataset.name,
      column: column.name,
      name: name.trim() === column.name ? null : name.trim(),
      type: type === column.type ? null : type,
      required: isRequired === column.required ? null : isRequired,
      description: isDescribed ? description : null,
      allowLoss,
      wait: WAIT_SECONDS,
    });
    return alterColumn.job;
  });
  async function save(allowLoss: boolean): Promise<void> {
    const isSame = !isReshaped && !isDescribed;
    if (isSame || (await change.run(allowLoss)) !== false) props.onDone();
  }

  return (
    <form
      className="dialog-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save(false);
      }}
    >
      <label htmlFor={`${id}name`}>Field name</label>
      <input
        id={`${id}name`}
        className="input mono"
        autoComplete="off"
        spellCheck={false}
        required
        value={name}
        aria-describedby={`${id}name-hint`}
        onChange={(event) => {
          setName(event.target.value);
          change.reset();
        }}
      />
      <p className="hint" id={`${id}name-hint`}>
        {name.trim() === column.name
          ? `The header in the file is “${column.label}”.`
          : `Queries that ask for ${column.name} will have to ask for the new name.`}
      </p>
      <label htmlFor={`${id}type`}>Type</label>
      <select
        id={`${id}type`}
        className="input"
        value={type}
        aria-describedby={`${id}type-hint`}
        onChange={(event) => {
          setType(event.target.value as ColumnType);
          change.reset();
        }}
      >
        {COLUMN_TYPES.map((known) => (
          <option key={known} value={known}>
            {TYPE_WORDS[known]}
          </option>
        ))}
      </select>
      <p className="hint" id={`${id}type-hint`}>
        {type === column.type
          ? 'The values are read anew when the type changes; what would not fit is shown first.'
          : 'The values are read anew as this type. If some do not fit, nothing changes until you say so.'}
      </p>
      <label className="check-label">
        <input
          type="checkbox"
          checked={isRequired}
          onChange={(event) => {
            setRequired(event.target.checked);
            change.reset();
          }}
        />
        Every row must have a value
      </label>
      <label htmlFor={`${id}description`}>Description</label>
      <textarea
        id={`${id}description`}
        className="input"
        value={description}
        placeholder="What its values are; it stands in the API’s documentation"
        onChange={(event) => setDescription(event.target.value)}
      />
      <Progress change={change} />
      <Lost change={change} onAllow={() => void save(true)} />
      {!isLoss(change) && <Problem error={change.error} />}
      <div className="dialog-actions">
        <button type="submit" className="button primary" disabled={change.isRunning}>
          Save
        </button>
      </div>
    </form>
  );
}
