import { Outlet, useLocation, useMatchRoute } from '@tanstack/react-router';
import { lazy, Suspense, useState, type ReactElement } from 'react';
import { useDatasets } from '../api/catalog';
import { messageOf } from '../api/error';
import { SignInDialog, SignInPage } from '../session/SignIn';
import { useSession } from '../session/session';
import { Start } from '../start/Start';
import { DropArea } from '../upload/DropArea';
import { UploadList } from '../upload/UploadList';
import { DatasetList } from './DatasetList';
import { Header } from './Header';

const Editor = lazy(() => import('../editor/Editor'));

/** The frame of every screen: header, datasets, the page itself, files on their way in. */
export function Shell(): ReactElement {
  const key = useSession((session) => session.key);
  const path = useLocation({ select: (location) => location.pathname });
  // The menu is open on the page where it was opened: going elsewhere closes it.
  const [menuPath, setMenuPath] = useState<string | null>(null);
  const isMenuOpen = menuPath === path;
  const wasSignedIn = useWasTrue(key !== null);

  if (!wasSignedIn) return <SignInPage />;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Header isMenuOpen={isMenuOpen} onMenu={() => setMenuPath(isMenuOpen ? null : path)} />
      <DatasetList isOpen={isMenuOpen} onDone={() => setMenuPath(null)} />
      <main id="main" className="main" tabIndex={-1}>
        <Main />
      </main>
      <UploadList />
      <DropArea />
      <SignInDialog />
    </div>
  );
}

/**
 * The editor stays mounted once it was opened, hidden behind other pages, so that what was typed,
 * the headers and the last answer are there on return.
 */
function Main(): ReactElement {
  const datasets = useDatasets();
  const matchRoute = useMatchRoute();
  const isHome = Boolean(matchRoute({ to: '/' }));
  const isEmpty = datasets.data?.length === 0;
  const isEditor =
    (isHome && datasets.data !== undefined && !isEmpty) || Boolean(matchRoute({ to: '/graphiql' }));
  const wasEditor = useWasTrue(isEditor);

  return (
    <>
      {isHome && isEmpty && <Start />}
      {isHome && datasets.isPending && <Busy label="Loading the datasets" />}
      {isHome && datasets.isError && datasets.data === undefined && (
        <div className="page">
          <p role="alert" className="failure">
            {messageOf(datasets.error)}
          </p>
          <button type="button" className="button" onClick={() => void datasets.refetch()}>
            Try again
          </button>
        </div>
      )}
      {wasEditor && (
        <div className="editor" hidden={!isEditor}>
          <Suspense fallback={<Busy label="Loading the editor" />}>
            <Editor />
          </Suspense>
        </div>
      )}
      {!isHome && !isEditor && <Outlet />}
    </>
  );
}

export function Busy({ label }: { label: string }): ReactElement {
  return (
    <div className="busy" role="status">
      <span className="spinner" aria-hidden="true" />
      {label}…
    </div>
  );
}

/** Whether the value is or once was true. */
function useWasTrue(value: boolean): boolean {
  const [wasTrue, setWasTrue] = useState(value);
  if (value && !wasTrue) setWasTrue(true);
  return wasTrue || value;
}
