import { create } from 'zustand';

/** `system` follows the machine's setting. */
export type Theme = 'system' | 'light' | 'dark';

export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const STORAGE_KEY = 'sluice.theme';
const systemDark = window.matchMedia('(prefers-color-scheme: dark)');

export const useTheme = create<{ theme: Theme; isSystemDark: boolean }>(() => ({
  theme: storedTheme(),
  isSystemDark: systemDark.matches,
}));

/** The colours that are shown, whoever chose them. */
export function useShownTheme(): 'light' | 'dark' {
  const { theme, isSystemDark } = useTheme();
  if (theme !== 'system') return theme;
  return isSystemDark ? 'dark' : 'light';
}

export function setTheme(theme: Theme): void {
  localStorage.setItem(STORAGE_KEY, theme);
  useTheme.setState({ theme });
  applyTheme();
}

systemDark.addEventListener('change', ({ matches }) => {
  useTheme.setState({ isSystemDark: matches });
});

/** Puts the choice on the root element, where the style sheet looks for it. */
export function applyTheme(): void {
  document.documentElement.dataset['theme'] = useTheme.getState().theme;
}

function storedTheme(): Theme {
  const stored = localStorage.getItem(STORAGE_KEY);
  return THEMES.find((theme) => theme === stored) ?? 'system';
}
