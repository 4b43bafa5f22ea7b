import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { ROWS_QUERY_KEY, type Dataset } from '../api/catalog';
import { request } from '../api/graphql';

/** What the catalog knows of a dataset beyond its list: asked for when it is looked at. */
export interface DatasetDetails {
  source: { fileName: string } | null;
  updatedAt: string;
  notices: Notice[];
  columns: ColumnDetails[];
}

/** A decision of the load worth telling. BigInts are text. */
export interface Notice {
  code: string;
  message: string;
  sheet: string | null;
  row: string | null;
  column: string | null;
  count: string;
}

export interface ColumnDetails {
  name: string;
  generated: boolean;
  evidence: {
    reason: string;
    samples: string[];
    counterExample: { row: string; text: string; against: string } | null;
  };
  statistics: {
    nullCount: string;
    distinctCount: string;
    min: string | null;
    max: string | null;
    /** All values with their rows, where there are few. */
    categories: { value: string; count: string }[] | null;
  };
}

export const MAX_NOTICES = 200;

const DETAILS = `query PlaygroundDataset($name: String!) {
  dataset(name: $name) {
    source { fileName }
    updatedAt
    notices(limit: ${MAX_NOTICES}) { code message sheet row column count }
    columns {
      name
      generated
      evidence { reason samples counterExample { row text against } }
      statistics { nullCount distinctCount min max categories { value count } }
    }
  }
}`;

export function useDetails({ name, version }: Dataset): UseQueryResult<DatasetDetails | null> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, name, version, 'details'],
    queryFn: async ({ signal }) =>
      (await request<{ dataset: DatasetDetails | null }>(DETAILS, { name }, signal)).dataset,
    staleTime: Infinity,
  });
}
