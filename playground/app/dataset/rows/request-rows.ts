import { requestText } from '../../api/graphql';
import { parseExactly } from '../../api/exact-json';

/** As `requestText`, for rows: the numbers in JSON keep all their digits, and are written back so. */
export function requestRows<Data>(
  document: string,
  variables: object,
  signal?: AbortSignal,
): Promise<Data> {
  return requestText<Data>(document, variables, signal, parseExactly);
}
