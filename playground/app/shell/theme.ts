import { create } from 'zustand';

/** `system` follows the machine's setting. */
export type Theme = 'system' | 'light' | 'dark';

export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const STORAGE_KEY = 'sluice.theme';

export const useTheme = create<{ theme: Theme }>(() => ({ theme: storedTheme() }));

export function setTheme(theme: Theme): void {
  localStorage.setItem(STORAGE_KEY, theme);
  useTheme.setState({ theme });
  applyTheme();
}

/** Puts the choice on the root element, where the style sheet looks for it. */
export function applyTheme(): void {
  document.documentElement.dataset['theme'] = useTheme.getState().theme;
}

function storedTheme(): Theme {
  const stored = localStorage.getItem(STORAGE_KEY);
  return THEMES.find((theme) => theme === stored) ?? 'system';
}
