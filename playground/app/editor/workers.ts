import type { Environment } from 'monaco-editor';
import editorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker&url';
import jsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker&url';
import graphqlWorker from 'monaco-graphql/esm/graphql.worker.js?worker&url';
import { workerUrl } from '../trusted-types';

const WORKERS: Record<string, string> = { json: jsonWorker, graphql: graphqlWorker };

/** Monaco's language workers, as files of ours: the content security policy allows no others. */
const environment: Environment = {
  getWorker(_moduleId: string, label: string): Worker {
    return new Worker(workerUrl(WORKERS[label] ?? editorWorker), { type: 'module' });
  },
};

// Monaco rejects, unhandled, what it no longer waits for: no error, and nobody's business.
window.addEventListener('unhandledrejection', (event) => {
  if (event.reason instanceof Error && event.reason.name === 'Canceled') event.preventDefault();
});

// Monaco looks for it on the global object.
Object.assign(globalThis, { MonacoEnvironment: environment });
