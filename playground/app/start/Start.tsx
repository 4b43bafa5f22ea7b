import { useState, type ReactElement } from 'react';
import { copyText } from '../clipboard';
import { Icon } from '../shell/Icon';
import { ChooseFiles } from '../upload/ChooseFiles';
import { addFiles } from '../upload/uploads';
import { NewDataset } from './NewDataset';
import { sampleFile } from './sample';

/** What an empty workspace says of itself. */
export function Start(): ReactElement {
  return (
    <div className="page start">
      <h1>Drop a spreadsheet, get a GraphQL API</h1>
      <p>
        Drop a file anywhere on this page: Sluice finds its columns and their types, and you can
        query it the next moment.
      </p>
      <ChooseFiles className="drop-here" then="waiting">
        <Icon name="upload" />
        <span>
          Drop files here, or <u>choose them</u>
        </span>
        <small>CSV, Excel, OpenDocument, JSON; several at once, as large as they are</small>
      </ChooseFiles>
      <div className="start-ways">
        <button
          type="button"
          className="button"
          onClick={() => addFiles([sampleFile()], 'waiting')}
        >
          <Icon name="table" />
          Load a sample
        </button>
        <ChooseFiles className="button" then="looked-at">
          <Icon name="look" />
          Look at a file first
        </ChooseFiles>
        <NewDataset label="Start an empty dataset" />
      </div>
      <CurlLine />
    </div>
  );
}

function CurlLine(): ReactElement {
  const [isCopied, setCopied] = useState(false);
  const command = `curl -T orders.csv -H 'Authorization: Bearer YOUR_KEY' \\\n  '${location.origin}/upload/orders?wait=30'`;
  return (
    <>
      <div className="start-script">
        <p>From a script:</p>
        <button
          type="button"
          className="button quiet"
          onClick={() => void copyText(command).then(setCopied)}
        >
          {isCopied ? 'Copied' : 'Copy'}
        </button>
      </div>
      <pre tabIndex={0}>
        <code>{command}</code>
      </pre>
    </>
  );
}
