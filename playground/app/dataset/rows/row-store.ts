import type { Row } from '../../grid/types';
import { PAGE_ROWS, PageCache, PageReader, type PageSpan, type RowSource } from './pages';

export interface RowsState {
  /** How many rows there are; null until it is known. */
  nRows: number | null;
  /** How many rows are known to be there while they are still counted. */
  nSeen: number;
  error: Error | null;
  isReading: boolean;
  /** Grows with every change of any row: what depends on rows asks for them again. */
  revision: number;
}

/** Pages are asked for when scrolling has come to rest for so long, not on the way. */
const SETTLE_MS = 40;
const SETTLE_FAR_MS = 140;
/** Rows so far above and below what is in view are read with it. */
const AHEAD_ROWS = 60;
/** So many pages at most are read by one request. */
const MAX_SPAN_PAGES = 5;

/**
 * The rows of one view, read page by page as they are looked at. One page is read at a time: the
 * next one begins at its cursor. Pages that went out of sight before they came are not waited for.
 */
export class RowStore {
  #state: RowsState = { nRows: null, nSeen: 0, error: null, isReading: false, revision: 0 };
  #listeners = new Set<() => void>();
  #cache = new PageCache();
  /** Shown until the rows of a newer version are there. */
  #older: PageCache | null = null;
  #reader: PageReader;
  readonly #source: RowSource;
  #wanted = { firstPage: 0, lastPage: 0 };
  #reading: { span: PageSpan; controller: AbortController } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #counting: AbortController | null = null;
  /** Rows have changed again while those of a newer version were read. */
  #isOutdated = false;

  readonly #isWhole: boolean;

  /** `nRows` is known beforehand where nothing is filtered. */
  constructor(source: RowSource, nRows: number | null) {
    this.#source = source;
    this.#reader = new PageReader(source);
    this.#isWhole = nRows !== null;
    this.#state.nRows = nRows;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getState = (): RowsState => this.#state;

  /** Whether the number of rows is on its way, told from before or after what is done meanwhile. */
  get isCounting(): boolean {
    return this.#counting !== null;
  }

  /** Begins to read; the returned function stops it. */
  start(): () => void {
    void this.#count();
    return () => {
      clearTimeout(this.#timer);
      this.#counting?.abort();
      this.#reading?.controller.abort();
      this.#reading = null;
    };
  }

  rowAt = (index: number): Row | undefined => {
    const page = Math.floor(index / PAGE_ROWS);
    const rows = this.#cache.get(page) ?? this.#older?.get(page);
    return rows?.[index % PAGE_ROWS];
  };

  /** Says which rows are looked at; their pages are fetched. */
  onRange = (first: number, last: number): void => {
    const firstPage = Math.floor(Math.max(0, first - AHEAD_ROWS) / PAGE_ROWS);
    this.#wanted = { firstPage, lastPage: Math.floor((last + AHEAD_ROWS) / PAGE_ROWS) };
    clearTimeout(this.#timer);
    const page = Math.floor(first / PAGE_ROWS);
    const isNear = this.#cache.get(page) !== undefined || this.#reader.isNear({ page, nPages: 1 });
    this.#timer = setTimeout(() => this.#next(), isNear ? SETTLE_MS : SETTLE_FAR_MS);
  };

  retry = (): void => {
    this.#set({ error: null });
    if (this.#state.nRows === null) void this.#count();
    else this.#next();
  };

  /** Rows have changed in ways that are not known: what is looked at is read again. */
  refresh(): void {
    // One after the other: rows that change all the time are seen all the same.
    if (this.#older !== null) {
      this.#isOutdated = true;
      return;
    }
    this.#isOutdated = false;
    this.#older = this.#cache;
    this.#cache = new PageCache();
    this.#reader = new PageReader(this.#source);
    this.#stopReading();
    void this.#count();
  }

  /** Changes the fields of a row that is shown. */
  patch(id: unknown, fields: Row): void {
    this.#cache.change((row) => (row['id'] === id ? { ...row, ...fields } : row));
    this.#set({ revision: this.#state.revision + 1 });
  }

  /** Rows with these keys are gone. */
  remove(ids: ReadonlySet<unknown>): void {
    const places = [...ids].map((id) => this.#cache.find((row) => row['id'] === id)?.index ?? 0);
    this.#shift(Math.min(...places), -ids.size);
  }

  /** So many rows were added: at the end, where nothing but file order puts them. */
  append(n: number): void {
    if (!this.#isWhole || this.#source.isSorted) this.refresh();
    else this.#shift(this.#state.nRows ?? 0, n);
  }

  find(id: unknown): { row: Row; index: number } | null {
    return this.#cache.find((row) => row['id'] === id);
  }

  /** Reads rows that need not be in view. */
  async load(first: number, last: number): Promise<Row[]> {
    const { nRows } = this.#state;
    if (nRows === null) return [];
    const rows: Row[] = [];
    const { signal } = new AbortController();
    for (let page = Math.floor(first / PAGE_ROWS); page * PAGE_ROWS <= last; page++) {
      const span = { page, nPages: 1 };
      rows.push(...(this.#cache.get(page) ?? (await this.#reader.read(span, nRows, signal))));
    }
    const skipped = first % PAGE_ROWS;
    return rows.slice(skipped, skipped + last - first + 1);
  }

  #shift(from: number, by: number): void {
    this.#stopReading();
    this.#cache.dropFrom(Math.floor(from / PAGE_ROWS));
    this.#reader.forget(from);
    const { nRows, revision } = this.#state;
    this.#set({ nRows: nRows === null ? null : Math.max(0, nRows + by), revision: revision + 1 });
    this.#next();
  }

  #stopReading(): void {
    this.#reading?.controller.abort();
    this.#reading = null;
  }

  async #count(): Promise<void> {
    this.#counting?.abort();
    const controller = new AbortController();
    this.#counting = controller;
    // The first page needs no number of rows.
    this.#next();
    try {
      const nRows = await this.#source.count(controller.signal);
      if (controller.signal.aborted) return;
      this.#counting = null;
      this.#resize(nRows);
    } catch (cause) {
      if (controller.signal.aborted) return;
      this.#counting = null;
      this.#set({ error: asError(cause) });
    }
  }

  /** What was read at an end that was none is read again. */
  #resize(nRows: number): void {
    const before = this.#state.nRows;
    if (before !== null && before !== nRows) {
      const from = Math.floor(Math.max(0, Math.min(before, nRows) - 1) / PAGE_ROWS);
      this.#stopReading();
      this.#cache.dropFrom(from);
      this.#reader.forget(from * PAGE_ROWS);
    }
    this.#set({ nRows, revision: this.#state.revision + 1 });
    this.#next();
  }

  /** Reads the first page in view that is not there yet; the others follow. */
  #next(): void {
    const { nRows } = this.#state;
    if (nRows === null) {
      this.#readFirst();
      return;
    }
    const lastPage = Math.max(0, Math.ceil(nRows / PAGE_ROWS) - 1);
    const wanted = pagesIn(this.#wanted, lastPage);
    for (const page of wanted) this.#cache.touch(page);
    if (this.#reading) {
      const { page, nPages } = this.#reading.span;
      if (wanted.some((other) => other >= page && other < page + nPages)) return;
      this.#stopReading();
    }
    const span = this.#nearestOf(
      spansOf(wanted.filter((page) => this.#cache.get(page) === undefined)),
    );
    if (span === undefined) {
      this.#older = null;
      this.#set({ isReading: false });
      if (this.#isOutdated) this.refresh();
      return;
    }
    void this.#read(span, nRows);
  }

  /** Rows are seen before they are counted, which may take longer than to read some. */
  #readFirst(): void {
    if (this.#reading || this.#cache.get(0) !== undefined || this.#wanted.firstPage > 0) return;
    void this.#read({ page: 0, nPages: 1 }, Number.POSITIVE_INFINITY);
  }

  #nearestOf(spans: PageSpan[]): PageSpan | undefined {
    return spans.find((span) => this.#reader.isNear(span)) ?? spans[0];
  }

  async #read(span: PageSpan, nRows: number): Promise<void> {
    const controller = new AbortController();
    this.#reading = { span, controller };
    this.#set({ isReading: true });
    try {
      const rows = await this.#reader.read(span, nRows, controller.signal);
      if (controller.signal.aborted) return;
      const { firstPage, lastPage } = this.#wanted;
      for (let at = 0; at < span.nPages; at++) {
        this.#cache.set(
          span.page + at,
          rows.slice(at * PAGE_ROWS, (at + 1) * PAGE_ROWS),
          (other) => other >= firstPage && other <= lastPage,
        );
      }
      this.#reading = null;
      this.#set({ error: null, revision: this.#state.revision + 1 });
      if (this.#state.nRows === null) this.#sawFirst(rows.length);
      this.#next();
    } catch (cause) {
      if (controller.signal.aborted) return;
      this.#reading = null;
      this.#set({ error: asError(cause), isReading: false });
    }
  }

  /** A first page that is not full is all there is. */
  #sawFirst(n: number): void {
    if (n === PAGE_ROWS) {
      this.#set({ nSeen: n });
      return;
    }
    this.#counting?.abort();
    this.#counting = null;
    this.#set({ nRows: n });
  }

  #set(change: Partial<RowsState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function pagesIn(range: { firstPage: number; lastPage: number }, lastPage: number): number[] {
  const first = Math.min(range.firstPage, lastPage);
  const last = Math.min(range.lastPage, lastPage);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Pages that follow each other, put together. */
function spansOf(pages: readonly number[]): PageSpan[] {
  const spans: PageSpan[] = [];
  for (const page of pages) {
    const last = spans.at(-1);
    if (last && last.nPages < MAX_SPAN_PAGES && last.page + last.nPages === page) last.nPages += 1;
    else spans.push({ page, nPages: 1 });
  }
  return spans;
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
