import type { ReactElement } from 'react';
import { Icon } from '../shell/Icon';
import { ChooseFiles } from '../upload/DropArea';

/** What an empty workspace says of itself. */
export function Start(): ReactElement {
  return (
    <div className="page start">
      <h1>Drop a spreadsheet, get a GraphQL API</h1>
      <p>
        Drop a CSV file anywhere on this page: Sluice finds its columns and their types, and you can
        query it the next moment.
      </p>
      <ChooseFiles className="drop-here">
        <Icon name="upload" />
        <span>
          Drop files here, or <u>choose them</u>
        </span>
      </ChooseFiles>
      <p>From a script:</p>
      <pre tabIndex={0}>
        <code>{`curl -T orders.csv -H 'Authorization: Bearer YOUR_KEY' \\\n  '${location.origin}/upload/orders?wait=30'`}</code>
      </pre>
    </div>
  );
}
