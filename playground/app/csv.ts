/**
 * Rows as CSV by RFC 4180, with a header. Null is an empty field and empty text is `""`, so that
 * the two come back apart.
 *
 * A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers, negative
 * ones too, stay as they are.
 */
export function csvOf(
  columns: readonly string[],
  rows: readonly Record<string, unknown>[],
): string {
  const lines = [
    columns.map((name) => field(name)),
    ...rows.map((row) => columns.map((name) => field(row[name]))),
  ];
  return lines.map((fields) => `${fields.join(',')}\r\n`).join('');
}

// As OWASP lists them, with the full-width signs that some spreadsheets take for the same.
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value === '') return '""';
  if (typeof value !== 'string') return quoted(JSON.stringify(value));
  return quoted(FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
