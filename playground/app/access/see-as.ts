import { request, requestAs } from '../api/graphql';
import {
  PlaygroundCreateKeyDocument,
  PlaygroundRevokeKeyDocument,
  type PlaygroundCreateKeyMutationVariables,
} from '../api/operations';
import { ApiError } from '../api/error';

/** Whose eyes: a role with claims. `anonymous` is who has no key at all. */
export interface Eyes {
  role: string | null;
  claims: unknown;
  datasets: readonly string[] | null;
}

/** What is seen by them. */
export interface View {
  /** The names of all datasets that they see. */
  datasets: string[];
  /** The dataset that was asked for; null where they do not see it. */
  seen: { columns: string[]; rows: Record<string, unknown>[]; count: string | null } | null;
}

interface SeenDataset {
  name: string;
  listField: string;
  columns: { name: string }[];
}

const MINUTES = 5;
const N_ROWS = 20;

/**
 * What a role sees of a dataset, asked by the real thing: a key of that role, which reads, ends
 * after a few minutes in any case, and is revoked as soon as it has been used.
 */
export async function seeAs(eyes: Eyes, dataset: string, signal: AbortSignal): Promise<View> {
  if (eyes.role === 'anonymous') return look(null, dataset, signal);
  const variables: PlaygroundCreateKeyMutationVariables = {
    name: `preview as ${eyes.role ?? 'a key without a role'}`,
    scope: 'READ',
    expiresAt: new Date(Date.now() + MINUTES * 60_000).toISOString(),
    // "*" is who has no policy of their own: a key without a role.
    ...(eyes.role !== null && eyes.role !== '*' && { role: eyes.role }),
    ...(eyes.claims !== null && eyes.claims !== undefined && { claims: eyes.claims }),
    ...(eyes.datasets !== null && { datasets: [...eyes.datasets] }),
  };
  const { createKey } = await request(PlaygroundCreateKeyDocument, variables);
  try {
    return await look(createKey.key, dataset, signal);
  } finally {
    // Also when the look failed or was broken off.
    await request(PlaygroundRevokeKeyDocument, { prefix: createKey.apiKey.prefix });
  }
}

async function look(key: string | null, dataset: string, signal: AbortSignal): Promise<View> {
  let all: SeenDataset[];
  try {
    const answer = await requestAs<{ datasets: SeenDataset[] }>(
      key,
      'query PreviewDatasets { datasets { name listField columns { name } } }',
      {},
      signal,
    );
    all = answer.datasets;
  } catch (error) {
    // Nobody without a key sees anything here.
    if (key === null && error instanceof ApiError && error.isUnauthenticated) {
      return { datasets: [], seen: null };
    }
    throw error;
  }
  const datasets = all.map(({ name }) => name);
  const found = all.find(({ name }) => name === dataset);
  if (!found) return { datasets, seen: null };
  const columns = found.columns.map(({ name }) => name);
  const { rows } = await requestAs<{ rows: Record<string, unknown>[] }>(
    key,
    `query PreviewRows { rows: ${found.listField}(limit: ${N_ROWS}) { ${columns.join(' ')} } }`,
    {},
    signal,
  );
  const count = await requestAs<{ all: { aggregate: { count: number | string } } }>(
    key,
    `query PreviewCount { all: ${found.listField}Aggregate { aggregate { count } } }`,
    {},
    signal,
  ).then(
    ({ all }) => String(all.aggregate.count),
    // A role that may not aggregate is told no count.
    () => null,
  );
  return { datasets, seen: { columns, rows, count } };
}
