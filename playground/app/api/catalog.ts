import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useSession } from '../session/session';
import { request, requestWithKey } from './graphql';

/** A named, typed table served as GraphQL. */
export interface Dataset {
  name: string;
  label: string;
  /** The root field that lists its rows, such as `orders`. */
  listField: string;
  /** The object type of a row, such as `Orders`. */
  typeName: string;
  /** A BigInt: a whole number as text. */
  rowCount: string;
  status: string;
  version: number;
  columns: Column[];
}

export interface Column {
  /** The GraphQL field. */
  name: string;
  /** The header as written in the file. */
  label: string;
  type: ColumnType;
  /** As in SDL, such as `Int` or `String!`. */
  graphqlType: string;
}

export type ColumnType =
  | 'BOOLEAN'
  | 'INT'
  | 'BIGINT'
  | 'DECIMAL'
  | 'FLOAT'
  | 'DATE'
  | 'LOCAL_TIME'
  | 'LOCAL_DATE_TIME'
  | 'DATE_TIME'
  | 'UUID'
  | 'JSON'
  | 'STRING';

export const DATASETS_QUERY_KEY = 'datasets';
export const ROWS_QUERY_KEY = 'rows';

const DATASETS = `query PlaygroundDatasets {
  datasets {
    name label listField typeName rowCount status version
    columns { name label type graphqlType }
  }
}`;

/** The datasets that this key may see, kept fresh when the window is looked at again. */
export function useDatasets(): UseQueryResult<Dataset[]> {
  const key = useSession((session) => session.key);
  return useQuery({
    queryKey: [DATASETS_QUERY_KEY, key],
    enabled: key !== null,
    queryFn: async ({ signal }) =>
      (await request<{ datasets: Dataset[] }>(DATASETS, {}, signal)).datasets,
    // When a session ends, the page behind the sign-in form stays as it is.
    placeholderData: keepPreviousData,
  });
}

/** Resolves when the server knows this key; throws an `ApiError` otherwise. */
export async function tryKey(key: string): Promise<void> {
  await requestWithKey(key, '{ __typename }');
}
