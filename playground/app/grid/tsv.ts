/**
 * Cells on the clipboard, as spreadsheets exchange them: tabs and line ends between fields, quotes
 * around a field that holds such signs. Null is an empty field and empty text is `""`, so that the
 * two come back apart.
 */
export interface PastedCell {
  text: string;
  isQuoted: boolean;
}

export function tsvOf(rows: readonly (readonly unknown[])[]): string {
  return rows.map((row) => row.map(field).join('\t')).join('\n');
}

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value === '') return '""';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const isPlain = typeof value === 'string' && !/[\t\n\r]/.test(text) && !text.startsWith('"');
  return isPlain || typeof value === 'number' || typeof value === 'boolean'
    ? text
    : `"${text.replaceAll('"', '""')}"`;
}

export function parseTsv(text: string): PastedCell[][] {
  const rows: PastedCell[][] = [[]];
  let at = 0;
  // A line end at the end closes the last row and begins none.
  const content = text.replace(/\r?\n$/, '');
  while (at <= content.length) {
    const cell = readField(content, at);
    rows.at(-1)?.push({ text: cell.text, isQuoted: cell.isQuoted });
    const sign = content[cell.end];
    if (sign === undefined) break;
    at = cell.end + (content.startsWith('\r\n', cell.end) ? 2 : 1);
    if (sign !== '\t') rows.push([]);
  }
  return rows;
}

const QUOTED = /"((?:[^"]|"")*)"(?=[\t\r\n]|$)/y;
const PLAIN = /[^\t\r\n]*/y;

function readField(content: string, at: number): PastedCell & { end: number } {
  QUOTED.lastIndex = at;
  const quoted = QUOTED.exec(content);
  if (quoted) {
    const text = (quoted[1] ?? '').replaceAll('""', '"');
    return { text, isQuoted: true, end: at + quoted[0].length };
  }
  PLAIN.lastIndex = at;
  const plain = PLAIN.exec(content)?.[0] ?? '';
  return { text: plain, isQuoted: false, end: at + plain.length };
}
