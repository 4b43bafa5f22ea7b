import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a running Sluice. */
const server = process.env['SLUICE_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: 'app',
  plugins: [react()],
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows no inline script; every supported browser preloads.
    modulePreload: { polyfill: false },
    // Monaco is one big chunk by nature; the budget is checked on compressed sizes instead.
    chunkSizeWarningLimit: 8_000,
    rolldownOptions: {
      onLog(level, log, handler) {
        // GraphiQL's `"use no memo"` speaks to a compiler that has run already.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handler(level, log);
      },
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      // Subscriptions come over a WebSocket.
      '/graphql': { target: server, ws: true },
      '/upload': server,
      // Saved queries; `/queries` is a screen.
      '^/q(/|$)': server,
      '/snippets': server,
      '/openapi.json': server,
      '/openapi.yaml': server,
      '/sign-in': server,
      '/healthz': server,
      '/readyz': server,
    },
  },
  test: {
    environment: 'node',
    include: ['**/*.test.ts'],
  },
});
