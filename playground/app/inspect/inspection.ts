import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import {
  PlaygroundInspectDocument,
  type PlaygroundInspectMutationVariables,
} from '../api/operations';
import { requestWithFile } from '../api/send-file';
import type { Upload } from '../upload/uploads';
import { changesTheLook, optionsOf, type Sheet, type SheetPlan } from './plan';
import { AUTOMATIC_UP_TO_BYTES, firstPart } from './sample';

const N_ROWS = 20;
/** Each look counts as an upload of the key, of which there are so many an hour. */
const TYPING_MS = 600;

export interface Look {
  sheets: Sheet[];
  /** Whether all of the file was seen. */
  isWhole: boolean;
  nBytesSeen: number;
}

type Question = Omit<PlaygroundInspectMutationVariables, 'file' | 'rows'>;

/** What Sluice finds in the file by itself; all of it where `isWholeWanted`. */
export function useFirstLook(upload: Upload, isWholeWanted: boolean): UseQueryResult<Look> {
  return useQuery({
    queryKey: ['inspect', upload.id, isWholeWanted],
    queryFn: ({ signal }) => look(upload, { name: upload.plan.name }, isWholeWanted, signal),
    ...ONCE,
  });
}

/** What becomes of a sheet by its plan; disabled as long as the plan changes nothing. */
export function useLook(
  upload: Upload,
  sheet: Sheet,
  nSheets: number,
  plan: SheetPlan,
  isWholeWanted: boolean,
): UseQueryResult<Look> & { isWaitingForWord: boolean; isAhead: boolean; lookAgain: () => void } {
  const options = optionsOf(plan);
  const question: Question = {
    name: plan.name ?? sheet.dataset,
    ...(plan.mode !== null && { mode: plan.mode }),
    ...(plan.onDrift !== null && { onDrift: plan.onDrift }),
    ...(plan.key !== null && { key: plan.key }),
    ...(options && { options }),
    ...(nSheets > 1 && sheet.name !== null && { sheets: [sheet.name] }),
  };
  const asked = JSON.stringify(question);
  const text = useSettled(asked);
  // Each look sends the file: a big one that cannot be cut is sent when somebody says so.
  const isBig = upload.file.size > AUTOMATIC_UP_TO_BYTES;
  const [allowed, setAllowed] = useState<string | null>(null);
  const mustAsk = isBig && (isWholeWanted || !isTextByName(upload.file.name)) && allowed !== text;
  const query = useQuery({
    queryKey: ['inspect', upload.id, isWholeWanted, text],
    enabled: changesTheLook(plan) && !mustAsk,
    queryFn: ({ signal }) => look(upload, JSON.parse(text) as Question, isWholeWanted, signal),
    placeholderData: keepPreviousData,
    ...ONCE,
  });
  return {
    ...query,
    isWaitingForWord: changesTheLook(plan) && mustAsk,
    /** Whether something was decided that the look does not yet show. */
    isAhead: asked !== text,
    lookAgain: () => setAllowed(text),
  };
}

/** A look is not repeated by itself: it sends the file. */
const ONCE = {
  staleTime: Infinity,
  gcTime: 10 * 60_000,
  retry: false,
  refetchOnWindowFocus: false,
  refetchOnReconnect: false,
} as const;

async function look(
  upload: Upload,
  question: Question,
  isWholeWanted: boolean,
  signal: AbortSignal,
): Promise<Look> {
  const { file } = upload;
  const part = isWholeWanted ? { content: file, isWhole: true } : await firstPart(file);
  const { inspect } = await requestWithFile(
    PlaygroundInspectDocument,
    { ...question, rows: N_ROWS },
    { content: part.content, name: file.name },
    { signal },
  );
  return { sheets: inspect.sheets, isWhole: part.isWhole, nBytesSeen: part.content.size };
}

function isTextByName(name: string): boolean {
  return /\.(csv|tsv|tab|psv|txt|ndjson|jsonl)$/i.test(name);
}

/** The text once it has not changed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
