import type {
  ColumnOptions,
  ColumnType,
  DriftPolicy,
  LoadMode,
  OnError,
  PlaygroundInspectMutation,
  UploadOptions,
} from '../api/operations';
import type { LoadPlan } from '../upload/send';

export type Sheet = PlaygroundInspectMutation['inspect']['sheets'][number];
export type SheetColumn = Sheet['columns'][number];

/** How the text or the table is read; what is left out is decided by what the file holds. */
export type Reading = Omit<UploadOptions, 'columns'>;

/** What is decided about a column; the label names it. */
export interface ColumnChoice {
  type?: ColumnType;
  name?: string;
  required?: boolean;
  skip?: boolean;
}

/** What is decided about a sheet before it is loaded. */
export interface SheetPlan {
  isIncluded: boolean;
  /** The dataset's name; null for the one that was found. */
  name: string | null;
  /** Null for CREATE where the name is free and REPLACE where it is not. */
  mode: LoadMode | null;
  onDrift: DriftPolicy | null;
  onError: OnError;
  /** The label of the column that is the key; null for what was found. */
  key: string | null;
  reading: Reading;
  columns: Record<string, ColumnChoice>;
}

export const UNDECIDED: SheetPlan = {
  isIncluded: true,
  name: null,
  mode: null,
  onDrift: null,
  onError: 'ABORT',
  key: null,
  reading: {},
  columns: {},
};

/** The mode in which a sheet is loaded. */
export function modeOf(plan: SheetPlan, sheet: Pick<Sheet, 'exists'>): LoadMode {
  if (!sheet.exists) return 'CREATE';
  return plan.mode ?? 'REPLACE';
}

/** All options of a plan; nothing where nothing is decided. */
export function optionsOf(plan: SheetPlan): UploadOptions | undefined {
  const columns = Object.entries(plan.columns)
    .map(([label, choice]): ColumnOptions => ({ label, ...withoutUndefined(choice) }))
    .filter((choice) => Object.keys(choice).length > 1);
  const options: UploadOptions = withoutUndefined(plan.reading);
  if (columns.length > 0) options.columns = columns;
  return Object.keys(options).length === 0 ? undefined : options;
}

/** Whether a plan asks for another look than the first one. */
export function changesTheLook(plan: SheetPlan): boolean {
  const { name, mode, onDrift, key } = plan;
  return (
    name !== null ||
    mode !== null ||
    onDrift !== null ||
    key !== null ||
    optionsOf(plan) !== undefined
  );
}

/** The load that a plan stands for. */
export function loadPlanOf(plan: SheetPlan, sheet: Sheet, nSheets: number): LoadPlan {
  const mode = modeOf(plan, sheet);
  const options = optionsOf(plan);
  return {
    name: plan.name ?? sheet.dataset,
    mode,
    onError: plan.onError,
    ...(options && { options }),
    ...(nSheets > 1 && sheet.name !== null && { sheets: [sheet.name] }),
    ...(mode !== 'CREATE' && plan.onDrift !== null && { onDrift: plan.onDrift }),
    ...(plan.key !== null && { key: plan.key }),
  };
}

/**
 * The loads of the chosen sheets of a file. Those that are loaded alike, under the names that they
 * get by themselves, are one: then the file is sent once, and all of them are there or none.
 */
export function loadPlansOf(
  chosen: readonly { plan: SheetPlan; sheet: Sheet }[],
  sheetNames: readonly (string | null)[],
  fileName: string,
): LoadPlan[] {
  const plans = new Map<string, LoadPlan>();
  for (const [at, { plan, sheet }] of chosen.entries()) {
    const { name, sheets, ...rest } = loadPlanOf(plan, sheet, sheetNames.length);
    const isAlone = plan.name !== null || sheets === undefined || !areDistinct(sheetNames);
    const group = isAlone ? String(at) : JSON.stringify(rest);
    const before = plans.get(group);
    // Of several sheets each has its own name put behind the upload's.
    if (before && sheets) {
      const all = [before.sheets ?? [], sheets].flat();
      plans.set(group, { ...before, name: fileName, sheets: all });
    } else plans.set(group, { name, ...rest, ...(sheets && { sheets }) });
  }
  return [...plans.values()];
}

/** Sheets that are called nearly alike are numbered by what else is loaded with them. */
function areDistinct(sheetNames: readonly (string | null)[]): boolean {
  const plain = sheetNames.map((name) => name?.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ''));
  return new Set(plain).size === sheetNames.length;
}

/** The plan with another decision about a column; a choice of nothing takes it back. */
export function withColumn(plan: SheetPlan, label: string, change: ColumnChoice): SheetPlan {
  const choice = { ...plan.columns[label], ...change };
  return { ...plan, columns: { ...plan.columns, [label]: choice } };
}

/** The plan with another way to read the file; undefined goes back to what was found. */
export function withReading(
  plan: SheetPlan,
  change: { [Option in keyof Reading]: Reading[Option] | undefined },
): SheetPlan {
  return { ...plan, reading: withoutUndefined({ ...plan.reading, ...change }) };
}

function withoutUndefined<T extends object>(
  given: T,
): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
