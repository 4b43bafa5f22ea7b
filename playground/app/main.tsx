import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { DATASETS_QUERY_KEY, ROWS_QUERY_KEY } from './api/catalog';
import { ApiError } from './api/error';
import { watchReach } from './api/reach';
import './app.css';
import './shell/room.css';
import { openQueryInAddress, schemaChanged } from './editor/requests';
import { router } from './router';
import { startSession } from './session/session';
import { watchVisitor } from './session/visitor';
import { applyTheme } from './shell/theme';
import './trusted-types';
import { whenPublished } from './upload/uploads';

// First of all, so that a credential leaves the address before anything else sees it.
startSession();
openQueryInAddress();
window.addEventListener('hashchange', openQueryInAddress);
applyTheme();
watchReach();
watchVisitor();

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (nFailures, error) =>
        nFailures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

whenPublished((upload, datasetName) => {
  // From the start straight to the dataset. Who has gone elsewhere meanwhile is left there.
  if (router.state.location.pathname === '/' && !upload.isOneOfMany) {
    void router.navigate({ to: '/datasets/$name', params: { name: datasetName } });
  }
  void queryClient.invalidateQueries({ queryKey: [DATASETS_QUERY_KEY] });
  void queryClient.invalidateQueries({ queryKey: [ROWS_QUERY_KEY] });
  schemaChanged();
});

const container = document.getElementById('app');
if (container) {
  createRoot(container).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
