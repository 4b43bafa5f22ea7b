import { Outlet, useLocation, useMatchRoute } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState, type ReactElement } from 'react';
import { useMe } from '../api/me';
import { SignInDialog, SignInPage } from '../session/SignIn';
import { mayAsk, useSession } from '../session/session';
import { DropArea } from '../upload/DropArea';
import { UploadList } from '../upload/UploadList';
import { Banner } from './Banner';
import { Busy } from './Busy';
import { Header } from './Header';
import { Sidebar } from './Sidebar';
import { titleOf } from './title';

const Editor = lazy(() => import('../editor/Editor'));

/** The frame of every screen: header, rooms and datasets, the page itself, files on their way in. */
export function Shell(): ReactElement {
  const path = useLocation({ select: (location) => location.pathname });
  // The menu is open on the page where it was opened: going elsewhere closes it.
  const [menuPath, setMenuPath] = useState<string | null>(null);
  const isMenuOpen = menuPath === path;
  const { canUpload } = useMe();
  useEffect(() => {
    document.title = titleOf(path);
  }, [path]);
  useEffect(() => {
    if (!isMenuOpen) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      setMenuPath(null);
      document.getElementById('menu-button')?.focus();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [isMenuOpen]);
  const wasLetIn = useWasTrue(useSession(mayAsk));

  if (!wasLetIn) return <SignInPage />;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Header isMenuOpen={isMenuOpen} onMenu={() => setMenuPath(isMenuOpen ? null : path)} />
      <Banner />
      <Sidebar isOpen={isMenuOpen} onDone={() => setMenuPath(null)} />
      {isMenuOpen && (
        <div className="sidebar-shade" aria-hidden="true" onClick={() => setMenuPath(null)} />
      )}
      <main id="main" className="main" tabIndex={-1}>
        <Main />
      </main>
      <UploadList />
      {canUpload && <DropArea />}
      <SignInDialog />
    </div>
  );
}

/**
 * The editor stays mounted once it was opened, hidden behind other pages, so that what was typed,
 * the headers and the last answer are there on return.
 */
function Main(): ReactElement {
  const isEditor = Boolean(useMatchRoute()({ to: '/graphiql' }));
  const wasEditor = useWasTrue(isEditor);
  return (
    <>
      {wasEditor && (
        <div className="editor" hidden={!isEditor}>
          <Suspense fallback={<Busy label="Loading the editor" />}>
            <Editor />
          </Suspense>
        </div>
      )}
      {!isEditor && <Outlet />}
    </>
  );
}

/** Whether the value is or once was true. */
function useWasTrue(value: boolean): boolean {
  const [wasTrue, setWasTrue] = useState(value);
  if (value && !wasTrue) setWasTrue(true);
  return wasTrue || value;
}
