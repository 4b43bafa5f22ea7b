export const ACCESS_TABS = ['keys', 'policies', 'public', 'audit', 'workspaces'] as const;
export type AccessTab = (typeof ACCESS_TABS)[number];

/** The part of the address that says what of the access room is shown. */
export interface AccessSearch {
  tab?: AccessTab;
  /** Only policies of this dataset. */
  dataset?: string;
  /** The audit log: what lines hold. */
  actor?: string;
  action?: string;
  target?: string;
  outcome?: 'ok' | 'refused';
}

export function readAccessSearch(search: Record<string, unknown>): AccessSearch {
  const read: AccessSearch = {};
  const tab = ACCESS_TABS.find((candidate) => candidate === search['tab']);
  if (tab) read.tab = tab;
  for (const name of ['dataset', 'actor', 'action', 'target'] as const) {
    const value = search[name];
    if ((typeof value === 'string' || typeof value === 'number') && value !== '') {
      read[name] = String(value);
    }
  }
  const { outcome } = search;
  if (outcome === 'ok' || outcome === 'refused') read.outcome = outcome;
  return read;
}
