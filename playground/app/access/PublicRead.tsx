import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useDatasets } from '../api/catalog';
import { request } from '../api/graphql';
import { PlaygroundPublicReadDocument, PlaygroundSetPublicReadDocument } from '../api/operations';
import { useSession } from '../session/session';
import { Busy } from '../shell/Busy';
import { Confirm } from '../shell/Confirm';
import { Problem } from '../shell/Problem';
import { SeeAs } from './SeeAs';
import { ACCESS_QUERY_KEY } from './use';

type Choice = 'nothing' | 'some' | 'all';

/** What may be read without a key. */
export function PublicRead(): ReactElement {
  const key = useSession((session) => session.key);
  const { data, error } = useQuery({
    queryKey: [ACCESS_QUERY_KEY, key, 'public'],
    queryFn: async ({ signal }) =>
      (await request(PlaygroundPublicReadDocument, {}, signal)).workspace,
  });
  if (error) return <Problem error={error} />;
  if (!data) return <Busy label="Loading" />;
  const choice = data.publicRead ? 'all' : data.publicDatasets.length > 0 ? 'some' : 'nothing';
  return (
    <PublicForm
      key={`${choice} ${data.publicDatasets.join()}`}
      choice={choice}
      names={data.publicDatasets}
    />
  );
}

function PublicForm(props: { choice: Choice; names: string[] }): ReactElement {
  const [choice, setChoice] = useState(props.choice);
  const [names, setNames] = useState(props.names);
  const { data: datasets } = useDatasets();
  const queryClient = useQueryClient();
  const isSame =
    choice === props.choice && (choice !== 'some' || names.join() === props.names.join());
  const options: [Choice, string][] = [
    ['nothing', 'Nothing: everybody needs a key'],
    ['some', 'These datasets'],
    ['all', 'Everything in this workspace'],
  ];
  return (
    <div className="form">
      <fieldset>
        <legend>What may anybody read who reaches this server, without a key?</legend>
        {options.map(([value, label]) => (
          <label key={value} className="inline">
            <input
              type="radio"
              name="public-read"
              checked={choice === value}
              onChange={() => setChoice(value)}
            />
            {label}
          </label>
        ))}
      </fieldset>
      {choice === 'some' && (
        <fieldset>
          <legend>Datasets</legend>
          <div className="checks">
            {datasets?.map(({ name }) => (
              <label key={name} className="inline">
                <input
                  type="checkbox"
                  checked={names.includes(name)}
                  onChange={(event) =>
                    setNames(
                      event.target.checked
                        ? [...names, name].sort()
                        : names.filter((one) => one !== name),
                    )
                  }
                />
                {name}
              </label>
            ))}
          </div>
        </fieldset>
      )}
      <p className="hint">
        Policies for the role <code>anonymous</code> hold for those without a key.
      </p>
      <div className="actions">
        <Confirm
          trigger={
            <button
              type="button"
              className="button primary"
              disabled={isSame || (choice === 'some' && names.length === 0)}
            >
              Set it
            </button>
          }
          title={
            choice === 'nothing'
              ? 'Close the door to those without a key?'
              : 'Let everybody read this?'
          }
          action={choice === 'nothing' ? 'Close it' : 'Let everybody read'}
          onConfirm={async () => {
            await request(
              PlaygroundSetPublicReadDocument,
              choice === 'some' ? { datasets: names } : { all: choice === 'all' },
            );
            await queryClient.invalidateQueries({ queryKey: [ACCESS_QUERY_KEY] });
          }}
        >
          <p>
            {choice === 'nothing'
              ? 'Whoever reads without a key is refused from now on.'
              : `Whoever reaches this server reads ${choice === 'all' ? 'all datasets' : names.join(', ')}, as the policies for anonymous allow.`}
          </p>
        </Confirm>
        <SeeAs role="anonymous" claims={null} datasets={null} />
      </div>
    </div>
  );
}
