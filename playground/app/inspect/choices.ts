import type { SheetPlan } from './plan';

/** What was decided about a file that is looked at, by its sheets; a reload keeps it. */
export interface Choices {
  /** Tells which file to choose again, where the browser could not keep it. */
  fileName: string;
  isWholeWanted: boolean;
  plans: Record<string, SheetPlan>;
}

/** In the tab alone, as the address with the file's id is. */
const KEY_PREFIX = 'sluice.looked-at.';

export function readChoices(id: string): Choices | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY_PREFIX + id) ?? 'null') as Choices | null;
  } catch {
    return null;
  }
}

export function writeChoices(id: string, choices: Choices): void {
  try {
    sessionStorage.setItem(KEY_PREFIX + id, JSON.stringify(choices));
  } catch {
    // A tab without room: the choices are lost by a reload, as the page says of a large file.
  }
}

export function forgetChoices(id: string): void {
  sessionStorage.removeItem(KEY_PREFIX + id);
}
