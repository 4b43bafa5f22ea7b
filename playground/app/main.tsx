import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { DATASETS_QUERY_KEY, ROWS_QUERY_KEY, type Dataset } from './api/catalog';
import { ApiError } from './api/error';
import './app.css';
import { openQueryInAddress, schemaChanged } from './editor/requests';
import { router } from './router';
import { startSession, useSession } from './session/session';
import { applyTheme } from './shell/theme';
import { whenPublished } from './upload/uploads';

// First of all, so that a credential leaves the address before anything else sees it.
startSession();
openQueryInAddress();
window.addEventListener('hashchange', openQueryInAddress);
applyTheme();

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (nFailures, error) =>
        nFailures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

whenPublished((datasetName) => {
  // From the start page of an empty workspace straight to its first dataset.
  const known = queryClient.getQueryData<Dataset[]>([
    DATASETS_QUERY_KEY,
    useSession.getState().key,
  ]);
  if (known?.length === 0 && router.state.location.pathname === '/') {
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
