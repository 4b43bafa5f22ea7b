import type { SavedQuery } from './use';

/** What a saved query can be asked with. */
export type Variable = SavedQuery['variables'][number];

/** How a variable is asked for: one line, yes or no, several lines. */
export type Control = 'line' | 'choice' | 'lines';

const EXAMPLES: Record<string, string> = {
  Date: '2026-01-31',
  DateTime: '2026-01-31T10:30:00Z',
  LocalDateTime: '2026-01-31T10:30:00',
  LocalTime: '10:30:00',
};
/** Types whose values stand on one line. Filters and the like are JSON and need more. */
const ONE_LINE = [
  'String',
  'ID',
  'UUID',
  'Int',
  'BigInt',
  'Float',
  'Decimal',
  ...Object.keys(EXAMPLES),
];

export function controlOf({ type }: Variable): Control {
  const named = type.replace(/!$/, '');
  if (named === 'Boolean') return 'choice';
  return ONE_LINE.includes(named) ? 'line' : 'lines';
}

/** Whether an empty field is a value of its own: only a text that has to be given can be empty. */
export function mayBeEmpty({ type, required }: Variable): boolean {
  return !required || /^(String|ID)!?$/.test(type);
}

/** What stands in an empty field: what holds then, else what a value looks like. */
export function hintOf({ type, default: fallback }: Variable): string {
  if (fallback !== null && fallback !== undefined) {
    return `${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)} when left empty`;
  }
  if (type.startsWith('[')) return 'One a line, or a list as JSON';
  return EXAMPLES[type.replace(/!$/, '')] ?? '';
}

/** The parameters of the address for what was typed, in the order of the variables. */
export function parametersOf(
  variables: readonly Variable[],
  typed: Record<string, string>,
): [name: string, value: string][] {
  return variables.flatMap((variable): [string, string][] => {
    const text = typed[variable.name] ?? '';
    if (text.trim() === '' && (!variable.required || !mayBeEmpty(variable))) return [];
    const isJson = /^\s*[[{]/.test(text);
    if (!variable.type.startsWith('[') || isJson) return [[variable.name, text]];
    // One parameter for each item.
    const items = text.split('\n').map((line) => line.trim());
    return items.filter((item) => item !== '').map((item) => [variable.name, item]);
  });
}

/** Where a saved query answers, asked with these values; `ending` names a kind of file. */
export function addressOf(
  { path, variables }: Pick<SavedQuery, 'path' | 'variables'>,
  typed: Record<string, string>,
  ending: '' | '.csv' | '.xlsx' = '',
): string {
  const parameters = new URLSearchParams(parametersOf(variables, typed)).toString();
  return path + ending + (parameters === '' ? '' : `?${parameters}`);
}
