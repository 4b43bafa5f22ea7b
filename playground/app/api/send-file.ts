import { endSession, useSession } from '../session/session';
import { newApiError, type GraphQLAnswer } from './error';
import { ACCEPT, authorization } from './graphql';
import type { TypedDocumentString } from './operations';
import { seemsUnreachable } from './reach';

/** What is sent: a file as it is, or the first part of one. */
export interface SentFile {
  content: Blob;
  name: string;
}

/**
 * Runs an operation with a file, its variable `$file`, by the GraphQL multipart request
 * specification. XMLHttpRequest, because fetch tells nothing about how much was sent. Settles when
 * the server has the whole body and has answered.
 */
export function requestWithFile<Data, Variables extends { file: unknown }>(
  document: TypedDocumentString<Data, Variables>,
  variables: Omit<Variables, 'file'>,
  file: SentFile,
  options: { signal: AbortSignal; onSent?: (nBytes: number) => void },
): Promise<Data> {
  const key = useSession.getState().key;
  const form = new FormData();
  form.set(
    'operations',
    JSON.stringify({ query: document.toString(), variables: { ...variables, file: null } }),
  );
  form.set('map', '{"0":["variables.file"]}');
  form.set('0', file.content, file.name);
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) {
      reject(new DOMException('Cancelled.', 'AbortError'));
      return;
    }
    const xhr = new XMLHttpRequest();
    xhr.open('POST', '/graphql');
    xhr.setRequestHeader('accept', ACCEPT);
    for (const [name, value] of Object.entries(authorization(key))) {
      xhr.setRequestHeader(name, value);
    }
    // The parts around the file count, too: a few hundred bytes.
    xhr.upload.onprogress = (event) => options.onSent?.(Math.min(event.loaded, file.content.size));
    xhr.onload = () => {
      const answer = parsed<Data>(xhr.responseText);
      if (answer?.data && !answer.errors?.length) {
        resolve(answer.data);
        return;
      }
      const error = newApiError(xhr.status, answer, xhr.getResponseHeader('x-request-id'));
      if (error.isUnauthenticated && key === useSession.getState().key) endSession(error.message);
      reject(error);
    };
    xhr.onerror = () => {
      void seemsUnreachable();
      reject(newApiError(0, null, null));
    };
    xhr.onabort = () => reject(new DOMException('Cancelled.', 'AbortError'));
    options.signal.addEventListener('abort', () => xhr.abort(), { once: true });
    xhr.send(form);
  });
}

function parsed<Data>(text: string): GraphQLAnswer<Data> | null {
  try {
    return JSON.parse(text) as GraphQLAnswer<Data>;
  } catch {
    return null;
  }
}
