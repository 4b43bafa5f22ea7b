import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
} from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { readSearch } from './dataset/search';
import { Shell } from './shell/Shell';

/**
 * The addresses of the app. The server answers each of them with the same page: keep
 * `is_app_route` in `src/lib.rs` in step.
 */
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const home = createRoute({ getParentRoute: () => root, path: '/' });
const graphiql = createRoute({ getParentRoute: () => root, path: '/graphiql' });
const dataset = createRoute({
  getParentRoute: () => root,
  path: '/datasets/$name',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./dataset/DatasetPage')),
});

export const router = createRouter({
  routeTree: root.addChildren([home, graphiql, dataset]),
  defaultPreload: 'intent',
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function NotFound(): ReactElement {
  return (
    <div className="page">
      <h1>There is nothing here</h1>
      <p>
        <Link to="/">To the start</Link>
      </p>
    </div>
  );
}
