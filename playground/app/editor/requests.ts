import { create } from 'zustand';
import { queryInFragment, type SharedQuery } from './share';

/**
 * What the rest of the page asks of the editor. It lives apart from the editor, so that asking
 * does not load it.
 */
interface EditorRequests {
  /** A query to show in a tab; taken when the editor is ready. */
  query: SharedQuery | null;
  /** Grows when the server's schema has changed. */
  schemaRevision: number;
}

export const useEditorRequests = create<EditorRequests>(() => ({ query: null, schemaRevision: 0 }));

/** Opens the query that the address carries, and takes it out of there. */
export function openQueryInAddress(): void {
  const query = queryInFragment(location.hash);
  if (query === null) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  useEditorRequests.setState({ query });
}

/** Shows a document, with variables as JSON text, in a tab of its own. */
export function openQuery(document: string, variables?: string): void {
  useEditorRequests.setState({
    query: { document, ...(variables !== undefined && { variables }) },
  });
}

/** Takes the waiting query, once. */
export function takeQuery(): SharedQuery | null {
  const { query } = useEditorRequests.getState();
  useEditorRequests.setState({ query: null });
  return query;
}

export function schemaChanged(): void {
  useEditorRequests.setState(({ schemaRevision }) => ({ schemaRevision: schemaRevision + 1 }));
}
