/** The tabs of a dataset's page, in their order. */
export const VIEWS = [
  'rows',
  'columns',
  'notices',
  'rejects',
  'relations',
  'versions',
  'indexes',
  'tools',
  'webhooks',
  'settings',
] as const;
export type View = (typeof VIEWS)[number];

export function isView(value: unknown): value is View {
  return VIEWS.some((view) => view === value);
}
