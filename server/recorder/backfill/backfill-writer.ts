import { type Day, dateOf, liveFolder, type Segment, windowOf } from "../../domain/day.ts";
import type { IdRange } from "../../domain/ids/id-ranges.ts";
import { encodeBackfilledLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import type { ReadLines } from "../../storage/list/stored-lines.ts";
import { isPassing } from "../write/disk-errors.ts";
import type { UsedNames } from "../write/free-segment-name.ts";
import { type BackfillFile, createBackfillFile } from "./backfill-file.ts";
import { createIdFiles, type IdFiles } from "./id-files.ts";
import type { IdRuns } from "./id-runs.ts";
import { recordedIds } from "./recorded-ids.ts";

/** Writes backfilled trades to separate segments, in the day and window of the trade's time. */
export type BackfillWriter = {
  /**
   * Writes a page of one stream in order of time; resolves when it is on disk. If it rejects, the written part of the page is remembered
   * and the same page may be handed in again.
   *
   * `isFirst`: the first page of a backfill that ends at `toId` (default: the end of the page). Trades that are on disk already are left
   * out, from this page on until a page has no trade on disk.
   */
  write(
    stream: Stream,
    records: readonly BackfilledTrade[],
    page: { isFirst: boolean; toId?: number },
  ): Promise<{ written: number; skipped: number }>;
  /** Closes the stream's segment; resolves with the days that were written since the last call. */
  finish(stream: Stream): Promise<readonly Day[]>;
  /** Closes all segments; resolves when all were passed to `onClosed`. Idempotent. */
  stop(): Promise<void>;
};

/** A backfilled trade. `payload`: the text of the REST object. */
export type BackfilledTrade = { readonly payload: string; readonly id: number; readonly tradeUs: number };

type Open = {
  readonly file: BackfillFile;
  readonly windowEndUs: number;
  readonly windowStartUs: number;
  lastUs: number;
};
type Progress = {
  open: Open | null;
  readonly days: Map<string, Day>;
  /** Ids of the current page that are written; the page may have failed in part. */
  readonly written: Set<number>;
  /** Pages are compared with the ids on disk. */
  isChecking: boolean;
  /** The ids of `range` that are on disk; null if not read yet. */
  known: { readonly range: IdRange; readonly runs: IdRuns } | null;
};

const maxSegmentBytes = 32 * 1024 * 1024;

/** Most streams with an open file. The file with the oldest write is closed first. */
const mostOpen = 32;

/** Time without writes after which files are closed, so that their days can be merged, ms. */
const idleMs = 30_000;

/** Creates the writer. It does not touch the disk before the first page. Calls `onClosed` for each complete, synced segment. */
export function createBackfillWriter(
  options: { dataDir: string; segmentMinutes: number; usedNames?: UsedNames },
  deps: {
    readLines: ReadLines;
    /** Index of the id files; default: a new index. */
    files?: IdFiles;
    /** Resolves when all received records of the stream are on disk, as far as the disk accepts them. */
    flushed?: (stream: Stream) => Promise<void>;
    onClosed: (segment: Segment) => void;
  },
): BackfillWriter {
  const { dataDir, segmentMinutes } = options;
  const files = deps.files ?? createIdFiles(dataDir, { readLines: deps.readLines, nowUs: () => Date.now() * 1000 });
  /** Progress by stream, in order of the last write. */
  const byStream = new Map<string, Progress>();
  let idleTimer: ReturnType<typeof setTimeout> | null = null;
  let work: Promise<unknown> = Promise.resolve();

  /** Runs one operation after another; pages are rare and small. */
  function inTurn<T>(next: () => Promise<T>): Promise<T> {
    const result = work.then(next);
    work = result.catch(() => {});
    return result;
  }

  async function write(stream: Stream, records: readonly BackfilledTrade[], page: { isFirst: boolean; toId?: number }) {
    const progress = progressOf(stream);
    if (page.isFirst) Object.assign(progress, { isChecking: true, known: null });
    const known = await idsOnDisk(progress, stream, records, page.toId);
    progress.isChecking = known.size > 0;
    const fresh = records.filter(({ id }) => !known.has(id) && !progress.written.has(id));
    for (const group of byWindow(fresh, segmentMinutes)) {
      const open = await openFor(stream, progress, group);
      const lines = group.map(({ payload, tradeUs }) => encodeBackfilledLine(payload, tradeUs)).join("");
      try {
        await open.file.append(lines);
      } catch (error) {
        if (!isPassing(codeOf(error))) await giveUp(progress);
        throw error;
      }
      open.lastUs = group.at(-1)?.tradeUs ?? open.lastUs;
      for (const { id } of group) progress.written.add(id);
      if (open.file.bytes() >= maxSegmentBytes) await close(progress);
    }
    progress.written.clear();
    await closeOldest();
    if (idleTimer !== null) clearTimeout(idleTimer);
    idleTimer = setTimeout(() => void inTurn(closeAll).catch(() => {}), idleMs);
    return { written: fresh.length, skipped: records.length - fresh.length };
  }

  async function idsOnDisk(
    progress: Progress,
    stream: Stream,
    records: readonly BackfilledTrade[],
    toId: number | undefined,
  ): Promise<ReadonlySet<number>> {
    const [first, last] = [records[0]?.id ?? 0, records.at(-1)?.id ?? 0];
    if (progress.known === null || progress.known.range.last < last) {
      if (!progress.isChecking) return new Set();
      await deps.flushed?.(stream);
      const times = records.map(({ tradeUs }) => tradeUs);
      const span = { fromUs: Math.min(...times), toUs: Math.max(...times) };
      const range = { first, last: Math.max(last, toId ?? last) };
      progress.known = { range, runs: await recordedIds(files, stream, range, { ...deps, span }) };
    }
    const { runs } = progress.known;
    return new Set(records.flatMap(({ id }) => (runs.has(id) ? [id] : [])));
  }

  function progressOf(stream: Stream): Progress {
    const known = byStream.get(stream.name);
    const progress: Progress = known ?? {
      open: null,
      days: new Map(),
      written: new Set(),
      isChecking: false,
      known: null,
    };
    byStream.delete(stream.name);
    byStream.set(stream.name, progress);
    return progress;
  }

  /** Returns the open file if the group continues it, else a new file. */
  async function openFor(stream: Stream, progress: Progress, group: readonly BackfilledTrade[]): Promise<Open> {
    const firstUs = group[0]?.tradeUs ?? 0;
    const { open } = progress;
    if (open !== null && firstUs >= open.lastUs && firstUs >= open.windowStartUs && firstUs < open.windowEndUs)
      return open;
    await close(progress);
    const day: Day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(firstUs) };
    const window = windowOf(firstUs, segmentMinutes);
    const file = await createBackfillFile(options, { ...day, name: window.name });
    progress.open = { file, windowStartUs: window.startUs, windowEndUs: window.endUs, lastUs: firstUs };
    progress.days.set(liveFolder(dataDir, day), day);
    return progress.open;
  }

  async function close(progress: Progress): Promise<void> {
    const { open } = progress;
    progress.open = null;
    if (open === null) return;
    // All of it is synced, even if the descriptor has failed with its file system.
    await open.file.close().catch(() => {});
    deps.onClosed(open.file.segment);
  }

  /** Closes a file whose descriptor may be dead for good. The next attempt looks how much of its last lines is on disk. */
  async function giveUp(progress: Progress): Promise<void> {
    const { open } = progress;
    progress.open = null;
    Object.assign(progress, { isChecking: true, known: null });
    if (open === null) return;
    await open.file.close().catch(() => {});
    deps.onClosed(open.file.segment);
  }

  async function closeOldest(): Promise<void> {
    const open = [...byStream.values()].filter((progress) => progress.open !== null);
    for (const progress of open.slice(0, Math.max(0, open.length - mostOpen))) await close(progress);
  }

  async function closeAll(): Promise<void> {
    for (const progress of byStream.values()) await close(progress);
  }

  return {
    write: (stream, records, page) => inTurn(() => write(stream, records, page)),
    finish: (stream) =>
      inTurn(async () => {
        const progress = byStream.get(stream.name);
        if (progress === undefined) return [];
        await close(progress);
        byStream.delete(stream.name);
        return [...progress.days.values()];
      }),
    stop() {
      if (idleTimer !== null) clearTimeout(idleTimer);
      return inTurn(closeAll);
    },
  };
}

/** Groups records by window, in order of time; trades of the same time are ordered by id. */
function byWindow(records: readonly BackfilledTrade[], minutes: number): readonly (readonly BackfilledTrade[])[] {
  const sorted = [...records].sort((a, b) => a.tradeUs - b.tradeUs || a.id - b.id);
  const groups: BackfilledTrade[][] = [];
  let endUs = 0;
  for (const record of sorted) {
    if (record.tradeUs >= endUs) {
      groups.push([]);
      endUs = windowOf(record.tradeUs, minutes).endUs;
    }
    groups.at(-1)?.push(record);
  }
  return groups;
}
