import type { ReactElement } from 'react';
import { formatCount } from '../format';
import { MAX_NOTICES, type Notice } from './details';

/** What was decided or normalised when the file was loaded. */
export function NoticeList({ notices }: { notices: readonly Notice[] }): ReactElement {
  if (notices.length === 0) {
    return <p className="nothing">Every cell was taken as it stands; there is nothing to tell.</p>;
  }
  return (
    <div className="listing" tabIndex={0} role="region" aria-label="Notices">
      <table>
        <thead>
          <tr>
            <th scope="col">Where</th>
            <th scope="col">What was found and done</th>
            <th scope="col">Cells or rows</th>
          </tr>
        </thead>
        <tbody>
          {notices.map((notice, index) => (
            <tr key={index}>
              <td>{place(notice)}</td>
              <td>{notice.message}</td>
              <td>{formatCount(notice.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {notices.length === MAX_NOTICES && (
        <p className="hint">Only the first {MAX_NOTICES} are listed.</p>
      )}
    </div>
  );
}

function place({ sheet, row, column }: Notice): string {
  const parts = [sheet, row !== null && `row ${formatCount(row)}`, column].filter(Boolean);
  return parts.length === 0 ? 'The file' : parts.join(', ');
}
