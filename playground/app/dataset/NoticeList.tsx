import { useId, useState, type ReactElement } from 'react';
import { countOf, formatCount } from '../format';
import { MAX_NOTICES, type Notice } from './details';
import type { TabProps } from './tabs';

/** What was decided or normalised when the file was loaded. */
export default function NoticeList({ details: { notices } }: TabProps): ReactElement {
  const [words, setWords] = useState('');
  const [code, setCode] = useState('');
  const codeId = useId();
  if (notices.length === 0) {
    return <p className="nothing">Every cell was taken as it stands; there is nothing to tell.</p>;
  }
  const codes = [...new Set(notices.map((notice) => notice.code))].sort();
  const wanted = words.trim().toLowerCase();
  const shown = notices.filter(
    (notice) =>
      (code === '' || notice.code === code) &&
      `${place(notice)} ${notice.message}`.toLowerCase().includes(wanted),
  );
  return (
    <div className="tab-page">
      <div className="tab-bar">
        <input
          type="search"
          className="input"
          placeholder="Search"
          aria-label="Search notices"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        {codes.length > 1 && (
          <>
            <label htmlFor={codeId} className="unseen">
              Kind
            </label>
            <select
              id={codeId}
              className="input"
              value={code}
              onChange={(event) => setCode(event.target.value)}
            >
              <option value="">Every kind</option>
              {codes.map((known) => (
                <option key={known} value={known}>
                  {codeWords(known)}
                </option>
              ))}
            </select>
          </>
        )}
        <p className="hint" role="status">
          {shown.length === notices.length
            ? countOf(notices.length, 'notice')
            : `${formatCount(shown.length)} of ${countOf(notices.length, 'notice')}`}
        </p>
      </div>
      <div className="table-frame" tabIndex={0} role="region" aria-label="Notices">
        <table className="facts-table foldable">
          <thead>
            <tr>
              <th scope="col">Where</th>
              <th scope="col">What was found and done</th>
              <th scope="col">Kind</th>
              <th scope="col" data-number>
                Cells or rows
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((notice, index) => (
              <tr key={index}>
                <th scope="row">{place(notice)}</th>
                <td>{notice.message}</td>
                <td data-label="Kind">{codeWords(notice.code)}</td>
                <td data-label="Cells or rows" data-number>
                  {formatCount(notice.count)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {notices.length === MAX_NOTICES && (
        <p className="hint">Only the first {formatCount(MAX_NOTICES)} are listed.</p>
      )}
    </div>
  );
}

function place({ sheet, row, column }: Notice): string {
  const parts = [sheet, row !== null && `row ${formatCount(row)}`, column].filter(Boolean);
  return parts.length === 0 ? 'The file' : parts.join(', ');
}

function codeWords(code: string): string {
  const words = code.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
