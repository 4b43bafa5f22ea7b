import { create } from 'zustand';

/** What is known about the last answer of a tab beside its text. */
export interface AnswerFacts {
  /** As the browser saw it; for a live operation, until its first answer. */
  ms: number;
  /** Null for a live operation, whose answers have a size each. */
  bytes: number | null;
  status: number;
  requestId: string | null;
  /** Fields times rows that it might have answered, as the server counts. */
  cost: number | null;
  /** Per root field: whether the answer was in the server's memory. */
  cache: Record<string, string>;
}

export interface LiveEvent {
  /** Counts from 1, those that are no longer kept, too. */
  number: number;
  at: Date;
  text: string;
  hasErrors: boolean;
}

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'stopped' | 'complete' | 'failed';

/** A subscription of a tab: what it was told, newest last. */
export interface LiveAnswer {
  state: LiveState;
  startedAt: number;
  nEvents: number;
  events: LiveEvent[];
  /** The event that is shown; null shows the newest as it comes. */
  heldEvent: number | null;
}

/** So many events of a subscription are kept; older ones go. */
export const MAX_EVENTS = 100;

interface Answers {
  activeTab: string;
  facts: Record<string, AnswerFacts>;
  live: Record<string, LiveAnswer>;
}

export const useAnswers = create<Answers>(() => ({ activeTab: '', facts: {}, live: {} }));

export function setActiveTab(activeTab: string): void {
  useAnswers.setState({ activeTab });
}

/** Forgets what was known, as an operation begins. */
export function forgetAnswer(tab: string): void {
  useAnswers.setState(({ facts, live }) => ({
    facts: without(facts, tab),
    live: without(live, tab),
  }));
}

export function noteFacts(tab: string, facts: AnswerFacts): void {
  useAnswers.setState((state) => ({ facts: { ...state.facts, [tab]: facts } }));
}

export function beginLive(tab: string): void {
  changeLive(tab, () => ({
    state: 'connecting',
    startedAt: performance.now(),
    nEvents: 0,
    events: [],
    heldEvent: null,
  }));
}

export function setLiveState(tab: string, state: LiveState): void {
  changeLive(tab, (live) => live && { ...live, state });
}

/** Shows this event and lets newer ones wait, or follows the newest again. */
export function holdEvent(tab: string, heldEvent: number | null): void {
  changeLive(tab, (live) => live && { ...live, heldEvent });
}

export function addEvent(tab: string, text: string, hasErrors: boolean): void {
  changeLive(tab, (live) => live && withEvent(live, { at: new Date(), text, hasErrors }));
}

export function withEvent(live: LiveAnswer, event: Omit<LiveEvent, 'number'>): LiveAnswer {
  const number = live.nEvents + 1;
  return {
    ...live,
    state: 'live',
    nEvents: number,
    events: [...live.events, { ...event, number }].slice(-MAX_EVENTS),
  };
}

function changeLive(
  tab: string,
  change: (live: LiveAnswer | undefined) => LiveAnswer | undefined,
): void {
  useAnswers.setState(({ live }) => {
    const changed = change(live[tab]);
    return changed === undefined ? {} : { live: { ...live, [tab]: changed } };
  });
}

function without<Value>(values: Record<string, Value>, name: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter(([other]) => other !== name));
}
