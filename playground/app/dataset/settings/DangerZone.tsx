import { useNavigate } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import {
  PlaygroundDropDatasetDocument,
  PlaygroundTruncateDatasetDocument,
} from '../../api/operations';
import { countOf } from '../../format';
import { useChange } from '../change';
import { Confirm } from '../../shell/Confirm';
import { Progress } from '../Progress';

/** What takes rows away. */
export function DangerZone(props: { dataset: Dataset; mayDrop: boolean }): ReactElement {
  const { dataset } = props;
  const navigate = useNavigate();
  const truncate = useChange(async (name: string) => {
    await request(PlaygroundTruncateDatasetDocument, { name });
    return null;
  });
  const drop = useChange(async (name: string) => {
    await request(PlaygroundDropDatasetDocument, { dataset: name });
    // Away before the list is read anew: this page would say that there is no such dataset.
    await navigate({ to: '/' });
    return null;
  });
  return (
    <section className="tab-section" aria-labelledby="settings-danger">
      <h2 id="settings-danger">Danger zone</h2>
      <ul className="entries danger-zone settings-form">
        <li className="entry">
          <div className="entry-title">
            <h3>Remove all rows</h3>
            <span className="spacer" />
            <Confirm
              title={`Remove all rows of ${dataset.name}?`}
              action="Remove all rows"
              isDanger
              onConfirm={() => truncate.mustRun(dataset.name)}
              progress={<Progress change={truncate} />}
              trigger={
                <button type="button" className="button danger">
                  Remove all rows
                </button>
              }
            >
              <p>
                {countOf(dataset.rowCount, 'row')} and all rejects go. Columns, key, relations and
                policies stay. The rows can be brought back by the tab Versions, as long as history
                keeps them; rejects cannot.
              </p>
            </Confirm>
          </div>
          <p className="hint">
            As a new version without rows; columns, key, relations and policies stay.
          </p>
        </li>
        {props.mayDrop && (
          <li className="entry">
            <div className="entry-title">
              <h3>Drop the dataset</h3>
              <span className="spacer" />
              <Confirm
                title={`Drop ${dataset.name}?`}
                action="Drop the dataset"
                word={dataset.name}
                isDanger
                onConfirm={() => drop.mustRun(dataset.name)}
                progress={<Progress change={drop} />}
                trigger={
                  <button type="button" className="button danger">
                    Drop the dataset
                  </button>
                }
              >
                <p>
                  {countOf(dataset.rowCount, 'row')}, all versions and all rejects go, and every
                  query of it fails. This cannot be taken back.
                </p>
              </Confirm>
            </div>
            <p className="hint">With all its rows, versions and rejects. It cannot be undone.</p>
          </li>
        )}
      </ul>
    </section>
  );
}
