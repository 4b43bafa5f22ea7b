import { editor } from 'monaco-graphql/esm/monaco-editor.js';

/** The names of Monaco's colours for GraphiQL, in the page's own palette. */
export const EDITOR_THEME = { light: 'sluice-light', dark: 'sluice-dark' };

editor.defineTheme(EDITOR_THEME.light, {
  base: 'vs',
  inherit: true,
  colors: colors({
    accent: '#0b6477',
    panel: '#ffffff',
    hover: '#0b64771a',
    text: '#1b2733',
    muted: '#516171',
  }),
  rules: [
    { token: 'argument.identifier.gql', foreground: '#5b3fb5' },
    { token: 'key.identifier.gql', foreground: '#0a5868' },
    { token: 'comment', foreground: '#5c6b7a' },
    { token: 'keyword', foreground: '#8a1c6b' },
    { token: 'number', foreground: '#0a6046' },
    { token: 'string.key.json', foreground: '#0a5868' },
    { token: 'string.value.json', foreground: '#7a3410' },
    { token: 'keyword.json', foreground: '#8a1c6b' },
  ],
});
editor.defineTheme(EDITOR_THEME.dark, {
  base: 'vs-dark',
  inherit: true,
  colors: colors({
    accent: '#6cd3e4',
    panel: '#18222d',
    hover: '#6cd3e41f',
    text: '#e4ebf2',
    muted: '#a3b3c2',
  }),
  rules: [
    { token: 'argument.identifier.gql', foreground: '#b7a6ff' },
    { token: 'key.identifier.gql', foreground: '#7fdcec' },
    { token: 'comment', foreground: '#93a4b5' },
    { token: 'keyword', foreground: '#f29bd3' },
    { token: 'number', foreground: '#8fdcb9' },
    { token: 'string.key.json', foreground: '#7fdcec' },
    { token: 'string.value.json', foreground: '#f0b48f' },
    { token: 'keyword.json', foreground: '#f29bd3' },
  ],
});

function colors(palette: {
  accent: string;
  panel: string;
  hover: string;
  text: string;
  muted: string;
}): Record<string, string> {
  const { accent, panel, hover, text, muted } = palette;
  return {
    // Transparent, so that the page's own background shows.
    'editor.background': '#ffffff00',
    'scrollbar.shadow': '#ffffff00',
    'editor.foreground': text,
    'editorLineNumber.foreground': muted,
    'editorLineNumber.dimmedForeground': muted,
    'editorLineNumber.activeForeground': text,
    'textLink.foreground': accent,
    'textLink.activeForeground': accent,
    'editorLink.activeForeground': accent,
    'editorHoverWidget.background': panel,
    'editorWidget.background': panel,
    'editorSuggestWidget.background': panel,
    'editorSuggestWidget.selectedBackground': hover,
    'editorSuggestWidget.selectedForeground': accent,
    'menu.background': panel,
    'menu.selectionBackground': hover,
    'menu.selectionForeground': accent,
    'list.hoverBackground': hover,
    'list.highlightForeground': accent,
    'list.focusHighlightForeground': accent,
    'quickInput.background': panel,
    'quickInputList.focusBackground': hover,
    'quickInputList.focusForeground': text,
    'toolbar.hoverBackground': hover,
    'inputOption.hoverBackground': hover,
    'pickerGroup.foreground': accent,
    focusBorder: accent,
  };
}
