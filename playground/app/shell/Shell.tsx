import { Outlet, useLocation, useMatchRoute } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState, type ReactElement } from 'react';
import { useDatasets } from '../api/catalog';
import { messageOf } from '../api/error';
import { SignInDialog, SignInPage } from '../session/SignIn';
import { useSession } from '../session/session';
import { Start } from '../start/Start';
import { DropArea } from '../upload/DropArea';
import { UploadList } from '../upload/UploadList';
import { Busy } from './Busy';
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
  const screen = useScreen();
  useEffect(() => {
    const name = /^\/datasets\/(.+)$/.exec(path)?.[1];
    document.title = name === undefined ? 'Sluice' : `${decodeURIComponent(name)} – Sluice`;
  }, [path]);
  const wasSignedIn = useWasTrue(key !== null);

  if (!wasSignedIn) return <SignInPage />;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Header isMenuOpen={isMenuOpen} onMenu={() => setMenuPath(isMenuOpen ? null : path)} />
      <DatasetList
        isOpen={isMenuOpen}
        isEditorShown={screen === 'editor'}
        onDone={() => setMenuPath(null)}
      />
      <main id="main" className="main" tabIndex={-1}>
        <Main screen={screen} />
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
function Main({ screen }: { screen: Screen }): ReactElement {
  const datasets = useDatasets();
  const isEditor = screen === 'editor';
  const wasEditor = useWasTrue(isEditor);

  return (
    <>
      {screen === 'start' && <Start />}
      {screen === 'home' && datasets.isPending && <Busy label="Loading the datasets" />}
      {screen === 'home' && datasets.isError && (
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
      {screen === 'route' && <Outlet />}
    </>
  );
}

/** `home` is the start page before it is known whether there are datasets. */
type Screen = 'start' | 'editor' | 'home' | 'route';

function useScreen(): Screen {
  const datasets = useDatasets();
  const matchRoute = useMatchRoute();
  if (matchRoute({ to: '/graphiql' })) return 'editor';
  if (!matchRoute({ to: '/' })) return 'route';
  if (datasets.data === undefined) return 'home';
  return datasets.data.length === 0 ? 'start' : 'editor';
}

/** Whether the value is or once was true. */
function useWasTrue(value: boolean): boolean {
  const [wasTrue, setWasTrue] = useState(value);
  if (value && !wasTrue) setWasTrue(true);
  return wasTrue || value;
}
