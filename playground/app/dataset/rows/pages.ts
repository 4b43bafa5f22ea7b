import type { Row } from '../../grid/types';

/** Rows that stand together, and the cursors of the first and the last of them. */
export interface Chunk {
  rows: Row[];
  start: string | null;
  end: string | null;
}

/** Where rows come from: one dataset under one filter and order. */
export interface RowSource {
  count: (signal: AbortSignal) => Promise<number>;
  after: (cursor: string | null, n: number, signal: AbortSignal) => Promise<Chunk>;
  before: (cursor: string | null, n: number, signal: AbortSignal) => Promise<Chunk>;
  at: (offset: number, n: number, signal: AbortSignal) => Promise<Row[]>;
  /** The key of the row at a place, for which nothing else is read. */
  idAt: (offset: number, signal: AbortSignal) => Promise<unknown>;
  cursorOf: (id: unknown, signal: AbortSignal) => Promise<string | null>;
  /** Rows by relevance have no cursors. */
  hasCursors: boolean;
  /** To find a place in rows that have to be sorted first costs more than to skip some. */
  isSorted: boolean;
}

/** Pages that follow each other. */
export interface PageSpan {
  page: number;
  nPages: number;
}

export const PAGE_ROWS = 100;
/** So many pages are kept; those that were looked at longest ago go first. */
const MAX_PAGES = 60;
const MAX_CURSORS = 20_000;
/** So many rows are read and thrown away rather than looking for a place anew. */
const MAX_SKIPPED = 800;

/** Reads rows by the cheapest way that leads to them, and learns cursors by it. */
export class PageReader {
  /** The cursors of rows, by their places. */
  #cursors = new Map<number, string>();
  readonly #source: RowSource;

  constructor(source: RowSource) {
    this.#source = source;
  }

  /** Whether a page can be read without looking for its place. */
  isNear({ page, nPages }: PageSpan): boolean {
    const first = page * PAGE_ROWS;
    const end = first + nPages * PAGE_ROWS;
    return first === 0 || this.#cursors.has(first - 1) || this.#cursors.has(end);
  }

  /** Rows from this place on stand elsewhere now. */
  forget(from: number): void {
    for (const place of this.#cursors.keys()) if (place >= from) this.#cursors.delete(place);
  }

  /** Reads the rows of pages that follow each other. */
  async read(span: PageSpan, nRows: number, signal: AbortSignal): Promise<Row[]> {
    const source = this.#source;
    const first = span.page * PAGE_ROWS;
    const n = Math.min(span.nPages * PAGE_ROWS, nRows - first);
    if (n <= 0) return [];
    if (!source.hasCursors) return source.at(first, n, signal);
    if (first === 0) return this.#learn(await source.after(null, n, signal), 0);
    const above = this.#cursors.get(first - 1);
    if (above !== undefined) return this.#learn(await source.after(above, n, signal), first);
    const below = this.#cursors.get(first + n);
    if (below !== undefined) {
      const chunk = await source.before(below, n, signal);
      return this.#learn(chunk, first + n - chunk.rows.length);
    }
    if (first + n >= nRows) return this.#learn(await source.before(null, n, signal), first);
    const near = this.#nearest(first - 1);
    if (near !== null && source.isSorted) {
      const skipped = first - 1 - near;
      const chunk = await source.after(this.#cursors.get(near) ?? null, skipped + n, signal);
      this.#learn(chunk, near + 1);
      return chunk.rows.slice(skipped);
    }
    return source.isSorted ? this.#search(first, n, signal) : this.#leap(first, n, signal);
  }

  /** In file order a place is found by counting, and the rows come with it. */
  async #leap(first: number, n: number, signal: AbortSignal): Promise<Row[]> {
    const rows = await this.#source.at(first, n, signal);
    const [head, last] = [rows[0], rows.at(-1)];
    if (head && last) {
      const [start, end] = await Promise.all([
        this.#source.cursorOf(head['id'], signal),
        this.#source.cursorOf(last['id'], signal),
      ]);
      this.#learn({ rows, start, end }, first);
    }
    return rows;
  }

  /** In another order the row before is sought by its key alone, and the page read behind it. */
  async #search(first: number, n: number, signal: AbortSignal): Promise<Row[]> {
    const id = await this.#source.idAt(first - 1, signal);
    const cursor =
      id === undefined ? null : await this.#source.cursorOf(id, signal).catch(() => null);
    if (cursor === null) return this.#source.at(first, n, signal);
    this.#cursors.set(first - 1, cursor);
    return this.#learn(await this.#source.after(cursor, n, signal), first);
  }

  #nearest(place: number): number | null {
    for (let near = place; near >= Math.max(0, place - MAX_SKIPPED); near--) {
      if (this.#cursors.has(near)) return near;
    }
    return null;
  }

  #learn({ rows, start, end }: Chunk, first: number): Row[] {
    if (this.#cursors.size > MAX_CURSORS) this.#cursors.clear();
    if (rows.length > 0 && start !== null) this.#cursors.set(first, start);
    if (rows.length > 0 && end !== null) this.#cursors.set(first + rows.length - 1, end);
    return rows;
  }
}

/** Pages that were read, a bounded number of them. */
export class PageCache {
  #pages = new Map<number, Row[]>();

  get(page: number): Row[] | undefined {
    return this.#pages.get(page);
  }

  set(page: number, rows: Row[], isKept: (page: number) => boolean): void {
    this.#pages.delete(page);
    this.#pages.set(page, rows);
    for (const old of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) break;
      if (!isKept(old)) this.#pages.delete(old);
    }
  }

  /** What is looked at is as good as new. */
  touch(page: number): void {
    const rows = this.#pages.get(page);
    if (rows === undefined) return;
    this.#pages.delete(page);
    this.#pages.set(page, rows);
  }

  /** Rows from this page on stand elsewhere now. */
  dropFrom(page: number): void {
    for (const other of this.#pages.keys()) if (other >= page) this.#pages.delete(other);
  }

  /** Replaces rows in their places. */
  change(changed: (row: Row) => Row): void {
    for (const [page, rows] of this.#pages) {
      const next = rows.map(changed);
      if (next.some((row, index) => row !== rows[index])) this.#pages.set(page, next);
    }
  }

  find(isWanted: (row: Row) => boolean): { row: Row; index: number } | null {
    for (const [page, rows] of this.#pages) {
      const at = rows.findIndex(isWanted);
      const row = rows[at];
      if (row) return { row, index: page * PAGE_ROWS + at };
    }
    return null;
  }
}
