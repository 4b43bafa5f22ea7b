import { useNavigate, useSearch } from '@tanstack/react-router';
import { Tabs } from 'radix-ui';
import type { ReactElement } from 'react';
import { useMe } from '../api/me';
import './access.css';
import { AuditLog } from './AuditLog';
import { KeyList } from './KeyList';
import { PolicyList } from './PolicyList';
import { PublicRead } from './PublicRead';
import type { AccessTab } from './search';
import { useWorkspaces } from './use';
import { Workspaces } from './Workspaces';

const TABS: [AccessTab, string][] = [
  ['keys', 'Keys'],
  ['policies', 'Policies'],
  ['public', 'Without a key'],
  ['audit', 'Audit log'],
  ['workspaces', 'Workspaces'],
];

/** Who may do what, and who did. */
export default function AccessPage(): ReactElement {
  const { isAdmin, isKnown } = useMe();
  const search = useSearch({ from: '/access' });
  const navigate = useNavigate({ from: '/access' });
  if (!isKnown) return <div className="room" />;
  if (!isAdmin) {
    return (
      <div className="page">
        <h1>Keys and people</h1>
        <p>This room is for admins: your key has another scope.</p>
      </div>
    );
  }
  return (
    <Tabs.Root
      className="room"
      value={search.tab ?? 'keys'}
      activationMode="manual"
      onValueChange={(tab) => void navigate({ search: { tab: tab as AccessTab } })}
    >
      <div className="room-title">
        <h1>Keys and people</h1>
      </div>
      <TabList />
      <Tabs.Content value="keys" className="tab">
        <KeyList />
      </Tabs.Content>
      <Tabs.Content value="policies" className="tab">
        <PolicyList />
      </Tabs.Content>
      <Tabs.Content value="public" className="tab">
        <PublicRead />
      </Tabs.Content>
      <Tabs.Content value="audit" className="tab">
        <AuditLog />
      </Tabs.Content>
      <Tabs.Content value="workspaces" className="tab">
        <Workspaces />
      </Tabs.Content>
    </Tabs.Root>
  );
}

function TabList(): ReactElement {
  const { data: workspaces } = useWorkspaces();
  const shown = TABS.filter(([tab]) => tab !== 'workspaces' || Boolean(workspaces));
  return (
    <Tabs.List className="tabs" aria-label="Keys and people">
      {shown.map(([tab, label]) => (
        <Tabs.Trigger key={tab} value={tab} className="tab-button">
          {label}
        </Tabs.Trigger>
      ))}
    </Tabs.List>
  );
}
