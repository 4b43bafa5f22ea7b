import { lazy, type ComponentType } from 'react';
import type { Dataset } from '../api/catalog';
import type { DatasetDetails } from './details';
import type { Scope } from '../api/me';
import type { DatasetSearch, SearchChange } from './search';
import type { View } from './views';

/** What every tab of a dataset's page is given. */
export interface TabProps {
  dataset: Dataset;
  details: DatasetDetails;
  search: DatasetSearch;
  onChange: (change: SearchChange) => void;
}

type Module<Props> = Promise<{ default: ComponentType<Props> }>;

/** The rows need no details and do not wait for them. */
const loadRows = (): Module<Omit<TabProps, 'details'>> =>
  import('./RowsTab').then(({ RowsTab }) => ({ default: RowsTab }));
export const RowsTab = lazy(loadRows);

interface Tab {
  /** What a key needs to see it. */
  scope: Scope;
  /** Fetches the tab's module, so that it is there when the tab is chosen. */
  load: () => Module<TabProps>;
  Component: ComponentType<TabProps>;
}

function tab(scope: Scope, load: Tab['load']): Tab {
  return { scope, load, Component: lazy(load) };
}

/** Every tab but the rows. */
export const TABS: Record<Exclude<View, 'rows'>, Tab> = {
  columns: tab('READ', () => import('./columns/ColumnsTab')),
  notices: tab('READ', () => import('./NoticeList')),
  rejects: tab('UPLOAD', () => import('./rejects/RejectsTab')),
  relations: tab('READ', () => import('./relations/RelationsTab')),
  versions: tab('READ', () => import('./versions/VersionsTab')),
  indexes: tab('READ', () => import('./indexes/IndexesTab')),
  tools: tab('READ', () => import('./tools/ToolsTab')),
  webhooks: tab('ADMIN', () => import('./settings/WebhooksTab')),
  settings: tab('UPLOAD', () => import('./settings/SettingsTab')),
};

export function scopeOf(view: View): Scope {
  return view === 'rows' ? 'READ' : TABS[view].scope;
}

export function preload(view: View): void {
  // A module that cannot be fetched now is fetched, and missed aloud, when the tab is chosen.
  (view === 'rows' ? loadRows() : TABS[view].load()).catch(() => undefined);
}
