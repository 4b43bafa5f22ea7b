import { endSession, mayAsk, useSession } from '../session/session';
import { ApiError, newApiError, type GraphQLAnswer } from './error';
import { authorization } from './graphql';
import { seemsUnreachable } from './reach';

/** A refusal by RFC 9457. */
interface Problem {
  detail?: string;
  code?: string;
  requestId?: string;
}

/**
 * The text at an address of the server, asked for with the session's key; a plain link could not
 * carry it. Throws an `ApiError`.
 */
export async function readText(path: string, signal?: AbortSignal): Promise<string> {
  return (await read(path, signal)).text();
}

/** As `readText`, for a file that is no text. */
export async function readBlob(path: string): Promise<Blob> {
  return (await read(path)).blob();
}

async function read(path: string, signal?: AbortSignal): Promise<Response> {
  const { key } = useSession.getState();
  let response: Response;
  try {
    response = await fetch(path, {
      headers: authorization(key),
      // Whoever asks here wants to see what is, also where others may keep an answer for a while.
      cache: 'no-cache',
      ...(signal && { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    void seemsUnreachable();
    throw newApiError(0, null, null);
  }
  if (response.ok) return response;
  const told = (await response.json().catch(() => null)) as (Problem & GraphQLAnswer) | null;
  const { status } = response;
  const requestId = response.headers.get('x-request-id');
  const error =
    told?.detail === undefined
      ? newApiError(status, told, requestId)
      : new ApiError(told.detail, status, told.code ?? 'INTERNAL', told.requestId ?? requestId);
  const session = useSession.getState();
  if (error.isUnauthenticated && key === session.key && mayAsk(session)) endSession(error.message);
  throw error;
}
