const ROOMS: Record<string, string> = {
  graphiql: 'GraphiQL',
  queries: 'Saved queries',
  reference: 'API reference',
  relations: 'Relations',
  load: 'Look at a file',
  access: 'Keys and people',
  jobs: 'Jobs',
  system: 'System',
};

/** What the browser's tab is called on the screen of this path. */
export function titleOf(path: string): string {
  const [, room = '', name] = path.split('/');
  const told = room === 'datasets' && name !== undefined ? decoded(name) : ROOMS[room];
  return told === undefined ? 'Sluice' : `${told} – Sluice`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
