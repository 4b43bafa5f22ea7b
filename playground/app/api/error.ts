/** A GraphQL answer as it is on the wire. */
export interface GraphQLAnswer<Data = unknown> {
  data?: Data | null;
  errors?: GraphQLErrorOnWire[];
}

export interface GraphQLErrorOnWire {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string; requestId?: string };
}

/** Why a request failed, in the server's own sentence where it gave one. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    message: string,
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    /** The code of the contract, such as `CONFLICT`. */
    readonly code: string,
    readonly requestId: string | null,
  ) {
    super(message);
  }

  get isUnauthenticated(): boolean {
    return this.status === 401 || this.code === 'UNAUTHENTICATED';
  }
}

/** The error that an answer of this status and body stands for. */
export function newApiError(
  status: number,
  answer: GraphQLAnswer | null,
  requestId: string | null,
): ApiError {
  const first = answer?.errors?.[0];
  if (first) {
    return new ApiError(
      first.message,
      status,
      first.extensions?.code ?? 'INTERNAL',
      first.extensions?.requestId ?? requestId,
    );
  }
  return new ApiError(
    status === 0
      ? 'The server did not answer. Check that Sluice is running, then try again.'
      : `The server answered with HTTP ${status} and no explanation.`,
    status,
    status === 0 ? 'UNREACHABLE' : 'INTERNAL',
    requestId,
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
