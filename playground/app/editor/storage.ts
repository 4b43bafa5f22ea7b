/**
 * GraphiQL's storage: localStorage, but headers never reach it. GraphiQL keeps them out of its
 * tabs by itself and yet writes them into its history, and a header may be a key.
 */
export function storageWithoutHeaders(storage: Storage): Storage {
  const prefix = 'graphiql:';
  return {
    get length() {
      return Object.keys(storage).filter((name) => name.startsWith(prefix)).length;
    },
    key: (index) => storage.key(index),
    getItem: (name) => storage.getItem(name),
    setItem: (name, value) => {
      const safe = withoutHeaders(name, value);
      if (safe !== null) storage.setItem(name, safe);
    },
    removeItem: (name) => storage.removeItem(name),
    clear: () => {
      for (const name of Object.keys(storage)) {
        if (name.startsWith(prefix)) storage.removeItem(name);
      }
    },
  };
}

/** The value as it may be stored, or null where nothing of it may be. */
export function withoutHeaders(name: string, value: string): string | null {
  if (name === 'graphiql:headers') return null;
  if (name !== 'graphiql:queries' && name !== 'graphiql:favorites') return value;
  try {
    return JSON.stringify(JSON.parse(value), (key, inner: unknown) =>
      key === 'headers' ? undefined : inner,
    );
  } catch {
    return null;
  }
}
