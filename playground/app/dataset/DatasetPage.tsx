import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { Tabs } from 'radix-ui';
import { Suspense, useEffect, useRef, type ReactElement } from 'react';
import { useDatasets, type Dataset } from '../api/catalog';
import { messageOf } from '../api/error';
import { useMe } from '../api/me';
import { countOf, formatCount } from '../format';
import { Busy } from '../shell/Busy';
import './dataset.css';
import { useDetails, useSource, type DatasetDetails } from './details';
import { includes } from './scope';
import { Problem } from '../shell/Problem';
import type { DatasetSearch, SearchChange } from './search';
import './tabs.css';
import { preload, RowsTab, scopeOf, TABS } from './tabs';
import { isView, VIEWS, type View } from './views';

/** One dataset: its rows, and all that is known and can be decided about it, a tab each. */
export default function DatasetPage(): ReactElement {
  const { name } = useParams({ from: '/datasets/$name' });
  const { data: datasets, error, isPending } = useDatasets();
  const dataset = datasets?.find((candidate) => candidate.name === name);
  if (dataset) return <DatasetView key={dataset.name} dataset={dataset} />;
  if (isPending) return <Busy label="Loading the dataset" />;
  return (
    <div className="page">
      <h1>{name}</h1>
      <p role="alert" className="failure">
        {error && datasets === undefined
          ? messageOf(error)
          : 'There is no dataset of this name, or your key may not see it.'}
      </p>
      <Link to="/">To the start</Link>
    </div>
  );
}

function DatasetView({ dataset }: { dataset: Dataset }): ReactElement {
  const search = useSearch({ from: '/datasets/$name' });
  const navigate = useNavigate({ from: '/datasets/$name' });
  const me = useMe();
  const details = useDetails(dataset);
  const source = useSource(dataset);
  function change(changed: SearchChange): void {
    void navigate({ search: (now) => withoutEmpty({ ...now, ...changed }), replace: false });
  }
  function open(view: string): void {
    if (!isView(view)) return;
    change({ view: view === 'rows' ? undefined : view, diff: undefined, asOf: undefined });
  }
  const view = search.view ?? 'rows';
  // A tab that the address names is there even before it is known who asks, so that it can answer.
  const shown = VIEWS.filter(
    (candidate) => candidate === view || includes(me.scope, scopeOf(candidate)),
  );
  const list = useRef<HTMLDivElement>(null);
  // The chosen tab is in view where the list is wider than the screen, also when others come.
  useEffect(() => {
    const tab = list.current?.querySelector('[aria-selected=true]');
    tab?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [view, shown.length, details.data]);
  return (
    <Tabs.Root className="dataset-page" value={view} onValueChange={open} activationMode="manual">
      <div className="dataset-title">
        <h1>{dataset.name}</h1>
        <p className="hint">
          {source && source.fileName !== dataset.name && `${source.fileName}, `}
          {countOf(dataset.rowCount, 'row')}, version {dataset.version}
        </p>
      </div>
      <Tabs.List ref={list} className="tab-list" aria-label={`About ${dataset.name}`}>
        {shown.map((candidate) => (
          <Tabs.Trigger
            key={candidate}
            value={candidate}
            className="dataset-tab"
            onPointerEnter={() => preload(candidate)}
            onFocus={() => preload(candidate)}
          >
            {LABELS[candidate]}
            <TabCount count={countIn(candidate, details.data)} />
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      <Tabs.Content key={view} value={view} className="tab-panel" data-view={view}>
        <Suspense fallback={<Busy label="Loading" />}>
          {view === 'rows' ? (
            <RowsTab dataset={dataset} search={search} onChange={change} />
          ) : me.isKnown && !includes(me.scope, scopeOf(view)) ? (
            <p className="nothing">
              This needs the scope {scopeOf(view).toLowerCase()}, which your key does not have. Ask
              an admin for a key with it.
            </p>
          ) : (
            <DetailsTab
              view={view}
              {...{ dataset, search }}
              details={details}
              onChange={change}
              isKnown={me.isKnown}
            />
          )}
        </Suspense>
      </Tabs.Content>
    </Tabs.Root>
  );
}

/** A tab that needs the details: it waits for them, or says why they do not come. */
function DetailsTab(props: {
  view: Exclude<View, 'rows'>;
  dataset: Dataset;
  details: ReturnType<typeof useDetails>;
  search: DatasetSearch;
  onChange: (change: SearchChange) => void;
  isKnown: boolean;
}): ReactElement {
  const { view, dataset, details, search, onChange } = props;
  const Tab = TABS[view].Component;
  if (details.data && props.isKnown) {
    return <Tab {...{ dataset, search, onChange }} details={details.data} />;
  }
  if (details.error) {
    return (
      <div className="listing">
        <Problem error={details.error} onRetry={() => void details.refetch()} />
      </div>
    );
  }
  return <Busy label="Loading" />;
}

const LABELS: Record<View, string> = {
  rows: 'Rows',
  columns: 'Columns',
  notices: 'Notices',
  rejects: 'Rejects',
  relations: 'Relations',
  versions: 'Versions',
  indexes: 'Indexes',
  tools: 'Tools',
  webhooks: 'Webhooks',
  settings: 'Settings',
};

function TabCount({ count }: { count: string | number | undefined }): ReactElement | null {
  if (count === undefined || String(count) === '0') return null;
  return <span className="tab-count">{formatCount(count)}</span>;
}

function countIn(
  view: View,
  details: DatasetDetails | null | undefined,
): string | number | undefined {
  switch (view) {
    case 'columns':
      return details?.columns.length;
    case 'notices':
      return details?.notices.length;
    case 'rejects':
      return details?.rejectCount;
    case 'relations':
      return details?.relations.length;
    case 'indexes':
      return details?.indexes.length;
    default:
      return undefined;
  }
}

/** An address without the parts that say nothing. */
function withoutEmpty(search: SearchChange): DatasetSearch {
  const said = Object.entries(search).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(said);
}
