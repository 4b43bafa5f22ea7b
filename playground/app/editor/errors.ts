import type { GraphQLErrorOnWire } from '../api/error';

/** An error of an answer as it is told below it. */
export interface ShownError {
  message: string;
  code: string | null;
  requestId: string | null;
  /** The field, such as `orders.0.customer`. */
  path: string | null;
  /** Where in the document, counted from 1. */
  location: { line: number; column: number } | null;
}

type OnWire = GraphQLErrorOnWire & { locations?: { line: number; column: number }[] };

export function errorsIn(answer: unknown): ShownError[] {
  if (typeof answer !== 'object' || answer === null || !('errors' in answer)) return [];
  const { errors } = answer;
  if (!Array.isArray(errors)) return [];
  return (errors as OnWire[]).map(({ message, path, locations, extensions }) => ({
    message,
    code: extensions?.code ?? null,
    requestId: extensions?.requestId ?? null,
    path: path === undefined || path.length === 0 ? null : path.join('.'),
    location: locations?.[0] ?? null,
  }));
}
