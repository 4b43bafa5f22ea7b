import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import mark from '../sluice.svg';
import { useMe } from '../api/me';
import { openSignIn, useSession } from '../session/session';
import { ChooseFiles } from '../upload/ChooseFiles';
import { Account } from './Account';
import { Icon } from './Icon';
import { setTheme, THEMES, useTheme, type Theme } from './theme';

export function Header(props: { isMenuOpen: boolean; onMenu: () => void }): ReactElement {
  const { key, isVisitor } = useSession();
  const { canUpload } = useMe();
  return (
    <header className="header">
      <button
        id="menu-button"
        type="button"
        className="button quiet icon-only menu-button"
        aria-expanded={props.isMenuOpen}
        aria-controls="datasets"
        aria-label="Datasets"
        onClick={props.onMenu}
      >
        <Icon name={props.isMenuOpen ? 'close' : 'menu'} />
      </button>
      <Link to="/" className="brand">
        <img src={mark} alt="" width="24" height="24" />
        Sluice
      </Link>
      <span className="spacer" />
      {canUpload && (
        <ChooseFiles className="button primary">
          <Icon name="upload" />
          <span>Upload</span>
        </ChooseFiles>
      )}
      <ThemeSwitch />
      {key === null ? (
        <>
          {isVisitor && <span className="hint visitor">You read without a key</span>}
          <button type="button" className="button" onClick={openSignIn}>
            Sign in
          </button>
        </>
      ) : (
        <Account />
      )}
    </header>
  );
}

const THEME_LABELS: Record<Theme, string> = {
  system: 'System colours',
  light: 'Light colours',
  dark: 'Dark colours',
};

function ThemeSwitch(): ReactElement {
  const theme = useTheme((state) => state.theme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  const label = `${THEME_LABELS[theme]}; change to ${THEME_LABELS[next].toLowerCase()}`;
  return (
    <button
      type="button"
      className="button quiet icon-only"
      aria-label={label}
      title={label}
      onClick={() => setTheme(next)}
    >
      <Icon name={theme} />
    </button>
  );
}
