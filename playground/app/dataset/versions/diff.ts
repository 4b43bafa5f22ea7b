import type { PlaygroundDiffQuery, PlaygroundVersionsQuery } from '../../api/operations';

export type Version = PlaygroundVersionsQuery['datasetVersions'][number];
export type Diff = PlaygroundDiffQuery['datasetDiff'];

const ACTION_WORDS: Record<Version['action'], string> = {
  CREATE: 'Created',
  REPLACE: 'Replaced by a file',
  APPEND: 'File appended',
  UPSERT: 'File merged in by key',
  DERIVE: 'Columns corrected',
  ADMIT: 'Rejects admitted',
  WRITE: 'Rows edited',
  TRUNCATE: 'All rows removed',
  REVERT: 'Earlier version brought back',
};

export function actionWords({ action, fileName }: Version): string {
  const words = ACTION_WORDS[action];
  return fileName === null ? words : `${words}: ${fileName}`;
}

/** Who made a version, as far as it is known. */
export function actorWords(actor: string): string {
  if (actor === '') return 'the command line';
  if (actor === 'env') return 'the server’s own key';
  return actor;
}

type Values = Record<string, unknown>;

/** A row of a diff, ready to be shown: what it was and became, field by field. */
export interface DiffLine {
  kind: Diff['rows'][number]['kind'];
  key: string;
  old: Values | null;
  new: Values | null;
}

/** The fields of a page of a diff, those of the newer version first, and its rows. */
export function diffTable(diff: Diff): { fields: string[]; lines: DiffLine[] } {
  const lines = diff.rows.map((row) => ({
    kind: row.kind,
    key: typeof row.key === 'string' ? row.key : JSON.stringify(row.key),
    old: valuesOf(row.old),
    new: valuesOf(row.new),
  }));
  const fields = new Set(lines.flatMap((line) => Object.keys(line.new ?? {})));
  for (const line of lines) for (const field of Object.keys(line.old ?? {})) fields.add(field);
  return { fields: [...fields], lines };
}

/** Whether a field of a changed row differs, or was there before only, or is there now only. */
export function isChanged({ old, new: now }: DiffLine, field: string): boolean {
  if (old === null || now === null) return false;
  return JSON.stringify(old[field]) !== JSON.stringify(now[field]);
}

function valuesOf(value: unknown): Values | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Values)
    : null;
}
