import { create } from 'zustand';
import { documentInFragment } from './share';

/**
 * What the rest of the page asks of the editor. It lives apart from the editor, so that asking
 * does not load it.
 */
interface EditorRequests {
  /** A document to show in a tab; taken when the editor is ready. */
  query: string | null;
  /** Grows when the server's schema has changed. */
  schemaRevision: number;
}

export const useEditorRequests = create<EditorRequests>(() => ({ query: null, schemaRevision: 0 }));

/** Opens the document that the address carries, and takes it out of there. */
export function openQueryInAddress(): void {
  const document = documentInFragment(location.hash);
  if (document === null) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  openQuery(document);
}

export function openQuery(query: string): void {
  useEditorRequests.setState({ query });
}

/** Takes the waiting document, once. */
export function takeQuery(): string | null {
  const { query } = useEditorRequests.getState();
  useEditorRequests.setState({ query: null });
  return query;
}

export function schemaChanged(): void {
  useEditorRequests.setState(({ schemaRevision }) => ({ schemaRevision: schemaRevision + 1 }));
}
