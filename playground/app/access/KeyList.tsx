import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { request } from '../api/graphql';
import { useMe } from '../api/me';
import { PlaygroundRevokeKeyDocument } from '../api/operations';
import { Busy } from '../shell/Busy';
import { Confirm } from '../shell/Confirm';
import { Icon } from '../shell/Icon';
import { Problem } from '../shell/Problem';
import { useNow, When } from '../shell/When';
import { MakeKey } from './MakeKey';
import { RotateKey } from './RotateKey';
import { SeeAs } from './SeeAs';
import { ACCESS_QUERY_KEY, useKeys, type Key } from './use';

/** The keys of the workspace: who they are for, until when, and their ends. */
export function KeyList(): ReactElement {
  const { data: keys, error, isPending } = useKeys();
  const [isMaking, setMaking] = useState(false);
  const [rotated, setRotated] = useState<Key | null>(null);
  const [areEndedShown, setEndedShown] = useState(false);
  const nEnded = keys?.filter((key) => !key.active).length ?? 0;
  const shown = keys?.filter((key) => key.active || areEndedShown).toReversed();
  return (
    <>
      <div className="tab-head">
        <p className="hint">
          A key says who asks. Give each person and each program one of its own, no stronger than it
          must be.
        </p>
        <span className="spacer" />
        {nEnded > 0 && (
          <label className="inline">
            <input
              type="checkbox"
              checked={areEndedShown}
              onChange={(event) => setEndedShown(event.target.checked)}
            />
            Show {nEnded} ended
          </label>
        )}
        <button type="button" className="button primary" onClick={() => setMaking(true)}>
          <Icon name="plus" />
          New key
        </button>
      </div>
      {isMaking && <MakeKey onClose={() => setMaking(false)} />}
      {rotated && <RotateKey apiKey={rotated} onClose={() => setRotated(null)} />}
      {error && <Problem error={error} />}
      {isPending && <Busy label="Loading the keys" />}
      {shown?.length === 0 && <p className="hint">There is no key yet.</p>}
      {shown !== undefined && shown.length > 0 && (
        <table className="table roomy" aria-label="Keys">
          <thead>
            <tr>
              <th>Name</th>
              <th>May</th>
              <th>Sees</th>
              <th>Made</th>
              <th>Last seen</th>
              <th>Until</th>
              <th>
                <span className="unseen">What to do</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((key) => (
              <KeyRow key={key.prefix} apiKey={key} onRotate={() => setRotated(key)} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function KeyRow(props: { apiKey: Key; onRotate: () => void }): ReactElement {
  const { apiKey } = props;
  const queryClient = useQueryClient();
  const { name: ownPrefix } = useMe();
  const isOwn = apiKey.prefix === ownPrefix;
  const claims = Object.entries((apiKey.claims ?? {}) as Record<string, unknown>);
  return (
    <tr data-ended={!apiKey.active}>
      <td className="strong">
        {apiKey.name} {isOwn && <span className="tag">yours</span>}
        <p className="hint mono">{apiKey.prefix}…</p>
      </td>
      <td data-label="May">
        <span className="tag" data-tone={apiKey.scope === 'ADMIN' ? 'bad' : 'quiet'}>
          {apiKey.scope}
        </span>
      </td>
      <td data-label="Sees">
        {apiKey.datasets?.join(', ') ?? 'all datasets'}
        {apiKey.savedQueries !== null && <p>runs {apiKey.savedQueries.join(', ')}</p>}
        {apiKey.role !== null && <p>as {apiKey.role}</p>}
        {claims.length > 0 && (
          <p className="hint">
            {claims.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(', ')}
          </p>
        )}
      </td>
      <td data-label="Made">
        <When at={apiKey.createdAt} />
        {apiKey.createdBy !== null && <p className="hint">by {apiKey.createdBy}</p>}
      </td>
      <td data-label="Last seen">
        {apiKey.lastUsedAt === null ? 'never' : <When at={apiKey.lastUsedAt} />}
      </td>
      <td data-label="Until">
        <Until apiKey={apiKey} />
      </td>
      <td>
        {apiKey.active && (
          <div className="row-actions">
            <SeeAs role={apiKey.role} claims={apiKey.claims} datasets={apiKey.datasets} />
            <button
              type="button"
              className="button"
              aria-label={`Rotate ${apiKey.name} ${apiKey.prefix}`}
              onClick={props.onRotate}
            >
              Rotate
            </button>
            <Confirm
              trigger={
                <button
                  type="button"
                  className="button"
                  aria-label={`Revoke ${apiKey.name} ${apiKey.prefix}`}
                >
                  Revoke
                </button>
              }
              title={`Revoke the key ${apiKey.name}?`}
              action="Revoke the key"
              isDanger
              onConfirm={async () => {
                await request(PlaygroundRevokeKeyDocument, { prefix: apiKey.prefix });
                await queryClient.invalidateQueries({ queryKey: [ACCESS_QUERY_KEY] });
              }}
            >
              <p>
                Whoever uses <code>{apiKey.prefix}…</code> is refused within a second, and it cannot
                be brought back. To change it without an interruption, rotate it.
              </p>
              {isOwn && <p className="warn">This is the key that you are signed in with.</p>}
            </Confirm>
          </div>
        )}
      </td>
    </tr>
  );
}

function Until({ apiKey }: { apiKey: Key }): ReactElement {
  const nowMs = useNow();
  if (apiKey.revokedAt !== null) {
    const isEnded = Date.parse(apiKey.revokedAt) <= nowMs;
    return (
      <>
        {isEnded ? 'revoked ' : 'ends '}
        <When at={apiKey.revokedAt} />
      </>
    );
  }
  if (apiKey.expiresAt === null) return <>for ever</>;
  return (
    <>
      {apiKey.active ? '' : 'expired '}
      <When at={apiKey.expiresAt} />
    </>
  );
}
