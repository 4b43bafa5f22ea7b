import { createRootRoute, createRoute, createRouter, Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { readAccessSearch } from './access/search';
import { readSearch } from './dataset/search';
import { readLoadSearch } from './inspect/search';
import { readQueriesSearch } from './queries/search';
import { readReferenceSearch } from './reference/search';
import { Broken } from './shell/Broken';
import { room } from './shell/room';
import { Shell } from './shell/Shell';
import { Home } from './start/Home';
import { readJobsSearch } from './system/search';

/**
 * The addresses of the app. The server answers each of them with the same page: keep
 * `is_app_route` in `src/routes.rs` in step.
 */
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const home = createRoute({ getParentRoute: () => root, path: '/', component: Home });
const graphiql = createRoute({ getParentRoute: () => root, path: '/graphiql' });
const dataset = createRoute({
  getParentRoute: () => root,
  path: '/datasets/$name',
  validateSearch: readSearch,
  component: room(() => import('./dataset/DatasetPage')),
});
const load = createRoute({
  getParentRoute: () => root,
  path: '/load/$id',
  validateSearch: readLoadSearch,
  component: room(() => import('./inspect/InspectPage')),
});
const access = createRoute({
  getParentRoute: () => root,
  path: '/access',
  validateSearch: readAccessSearch,
  component: room(() => import('./access/AccessPage')),
});
const jobs = createRoute({
  getParentRoute: () => root,
  path: '/jobs',
  validateSearch: readJobsSearch,
  component: room(() => import('./system/JobsPage')),
});
const system = createRoute({
  getParentRoute: () => root,
  path: '/system',
  component: room(() => import('./system/SystemPage')),
});
const reference = createRoute({
  getParentRoute: () => root,
  path: '/reference',
  validateSearch: readReferenceSearch,
  component: room(() => import('./reference/ReferencePage')),
});
const queries = createRoute({
  getParentRoute: () => root,
  path: '/queries',
  validateSearch: readQueriesSearch,
  component: room(() => import('./queries/QueriesPage')),
});
const relations = createRoute({
  getParentRoute: () => root,
  path: '/relations',
  component: room(() => import('./dataset/relations/RelationsPage')),
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    graphiql,
    queries,
    dataset,
    relations,
    reference,
    load,
    access,
    jobs,
    system,
  ]),
  defaultPreload: 'intent',
  defaultErrorComponent: Broken,
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
