import { type Day, dateOf, liveFolder, type Segment, windowOf } from "../../domain/day.ts";
import { encodeBackfilledLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import type { IdRange } from "../../storage/ids/id-ranges.ts";
import type { ReadLines } from "../../storage/list/stored-lines.ts";
import { isPassing } from "../write/disk-errors.ts";
import { type BackfillFile, createBackfillFile } from "./backfill-file.ts";
import { createIdFiles, type IdFiles } from "./id-files.ts";
import type { IdRuns } from "./id-runs.ts";
import { recordedIds } from "./recorded-ids.ts";

/** Writes refetched trades into segments of their own, in the day and window that the time of the trade belongs to. */
export type BackfillWriter = {
  /**
   * Writes a page of one stream in the order of time; resolves when it is on disk. If it rejects, what was written of the page is
   * remembered, and the same page may be handed in again. `isFirst`: a hole begins, which ends at `toId` (default: with the page). Of it,
   * and of the pages behind it until there is one of which nothing was on disk, those that are on disk already are left out.
   */
  write(
    stream: Stream,
    records: readonly BackfilledTrade[],
    page: { isFirst: boolean; toId?: number },
  ): Promise<{ written: number; skipped: number }>;
  /** Closes the stream's segment; resolves with the days that were written to since it was last called. */
  finish(stream: Stream): Promise<readonly Day[]>;
  /** Closes everything; resolves when all is handed to `onClosed`. Idempotent. */
  stop(): Promise<void>;
};

/** `payload` is the REST object's own text. */
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
  /** Ids of a page that could be written in part only. */
  readonly written: Set<number>;
  isChecking: boolean;
  /** What of these ids is on disk. */
  known: { readonly range: IdRange; readonly runs: IdRuns } | null;
};

const maxSegmentBytes = 32 * 1024 * 1024;

/** Streams with an open file; those written to longest ago are closed first. */
const mostOpen = 32;

/** A file that nothing was added to for so long is closed, so that its day need not wait for it, ms. */
const idleMs = 30_000;

/** Nothing touches the disk before the first page. `onClosed` is told of every segment that is complete and synced. */
export function createBackfillWriter(
  options: { dataDir: string; segmentMinutes: number },
  deps: {
    readLines: ReadLines;
    /** Default: its own. */
    files?: IdFiles;
    /** Resolves when what was received of the stream is on disk, as far as the disk takes it. */
    flushed?: (stream: Stream) => Promise<void>;
    onClosed: (segment: Segment) => void;
  },
): BackfillWriter {
  const { dataDir, segmentMinutes } = options;
  const files = deps.files ?? createIdFiles(dataDir, { readLines: deps.readLines, nowUs: () => Date.now() * 1000 });
  /** By stream, the one written to last at the end. */
  const byStream = new Map<string, Progress>();
  let idleTimer: ReturnType<typeof setTimeout> | null = null;
  let work: Promise<unknown> = Promise.resolve();

  /** One thing after the other: pages are rare and small. */
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

  /** The open file if the group goes on where it ends, else a new one. */
  async function openFor(stream: Stream, progress: Progress, group: readonly BackfilledTrade[]): Promise<Open> {
    const firstUs = group[0]?.tradeUs ?? 0;
    const { open } = progress;
    if (open !== null && firstUs >= open.lastUs && firstUs >= open.windowStartUs && firstUs < open.windowEndUs)
      return open;
    await close(progress);
    const day: Day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(firstUs) };
    const window = windowOf(firstUs, segmentMinutes);
    const file = await createBackfillFile(dataDir, { ...day, name: window.name });
    progress.open = { file, windowStartUs: window.startUs, windowEndUs: window.endUs, lastUs: firstUs };
    progress.days.set(liveFolder(dataDir, day), day);
    return progress.open;
  }

  async function close(progress: Progress): Promise<void> {
    const { open } = progress;
    progress.open = null;
    if (open === null) return;
    // All of it is synced, also where the descriptor has died with its file system.
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

/** Groups of one window each, by time; trades of one time keep the order of their ids. */
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
