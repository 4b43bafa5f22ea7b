import { useGraphiQL } from '@graphiql/react';
import type { ReactElement } from 'react';
import { formatBytes, formatMilliseconds } from '../format';
import { useTimings } from './timings';

/** Below the answer: how long it took and how big it is. */
export function ResponseBar(): ReactElement | null {
  const response = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.response ?? '');
  const ms = useTimings(({ activeTab, msByTab }) => msByTab[activeTab]);
  if (response === '') return null;
  return (
    <div className="response-bar">
      <span className="hint">
        {ms !== undefined && `${formatMilliseconds(ms)}, `}
        {formatBytes(response.length)}
      </span>
    </div>
  );
}
