import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { ROWS_QUERY_KEY } from '../../api/catalog';
import type { TabProps } from '../tabs';
import { SnippetTabs } from './SnippetTabs';

/** The rows in other people's tools. */
export default function ToolsTab({ dataset: { name, version } }: TabProps): ReactElement {
  return (
    <div className="tab-page">
      <div className="tab-bar">
        <h2>Use these rows elsewhere</h2>
        <Link to="/reference" search={{ q: `/api/v1/${name}` }}>
          All routes of {name}
        </Link>
      </div>
      <SnippetTabs
        path={`/snippets/${encodeURIComponent(name)}`}
        queryKey={[ROWS_QUERY_KEY, name, version]}
        what="The rows"
      />
    </div>
  );
}
