import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useMe } from '../api/me';
import { useActiveJobCount } from '../system/active';
import { DatasetList } from './DatasetList';
import { Icon, type IconName } from './Icon';

/** Where one can go: the rooms, then the datasets. A drawer where the window is narrow. */
export function Sidebar(props: { isOpen: boolean; onDone: () => void }): ReactElement {
  const { isAdmin } = useMe();
  const nActive = useActiveJobCount();
  return (
    <nav id="datasets" className="sidebar" aria-label="Datasets" data-open={props.isOpen}>
      <ul className="rooms" aria-label="Rooms">
        <Room to="/" icon="home" label="Datasets" />
        <Room to="/graphiql" icon="code" label="GraphiQL" />
        <Room to="/queries" icon="bookmark" label="Saved queries" />
        <Room to="/reference" icon="book" label="API reference" />
        <Room to="/relations" icon="relations" label="Relations" />
        <Room to="/jobs" icon="jobs" label="Jobs">
          {nActive > 0 && (
            <span className="badge" title={`${nActive} running`}>
              {nActive}
            </span>
          )}
        </Room>
        {isAdmin && <Room to="/access" icon="key" label="Keys and people" />}
        <Room to="/system" icon="pulse" label="System" />
      </ul>
      <DatasetList onDone={props.onDone} />
    </nav>
  );
}

function Room(props: {
  to:
    '/' | '/graphiql' | '/queries' | '/reference' | '/relations' | '/jobs' | '/access' | '/system';
  icon: IconName;
  label: string;
  children?: ReactElement | false;
}): ReactElement {
  return (
    <li>
      <Link
        to={props.to}
        className="nav-link"
        activeProps={{ 'data-current': true }}
        activeOptions={{ exact: true, includeSearch: false }}
      >
        <Icon name={props.icon} />
        {props.label}
        {props.children}
      </Link>
    </li>
  );
}
