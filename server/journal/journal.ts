import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Day } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { BackfillStore } from "../domain/missing-ids.ts";
import type { StreamFolder } from "../domain/stream.ts";
import type { Log } from "../platform/log/log.ts";
import { bootId } from "../platform/process/boot-id.ts";
import { isGap, type JournalEntry, type LastRecord, type RecorderRun } from "./entry.ts";
import { createJournalFile } from "./journal-file.ts";
import { encodeEntry, encodeHead } from "./journal-line.ts";
import { readJournalFile } from "./read-journal.ts";

/**
 * What has to be known of the recording beside the records themselves: gaps, runs, missing ids, and each stream's newest record. It is
 * the first place where any of it is written down; the catalogue follows. Nothing here throws or waits for the disk: what the disk
 * refuses is held in memory and written as soon as it takes it.
 */
export type Journal = {
  /** Tells journals apart; a position in one means nothing in another. */
  readonly id: string;
  /** There was no journal at the start: the catalogue or the files may know more. */
  readonly isNew: boolean;
  /** Number of the newest entry. */
  position(): number;
  /** Notes gaps, or what is known now of those that begin at the same time; an end only ever moves later. */
  noteGaps(gaps: readonly Gap[]): void;
  /** More of the gap's missing records have been refetched. */
  noteRepair(key: Pick<Gap, "stream" | "symbol" | "from_us">, records: number): void;
  /** Forgets a gap that is written down in manifests. */
  forgetGap(gap: Gap): void;
  gap(key: Pick<Gap, "stream" | "symbol" | "from_us">): Gap | null;
  gapsOf(day: Day): readonly Gap[];
  gapsOfStream(stream: StreamFolder, symbol: string): readonly Gap[];
  /** Gaps noted after this position; 0 for all. */
  gapsSince(position: number): readonly Gap[];
  readonly holes: BackfillStore;
  /** Runs, oldest first. */
  runs(): readonly RecorderRun[];
  beginRun(startedUs: number): void;
  /** Notes how far the run has got; `clean` when it ends of its own will. */
  noteRun(lastRecvUs: number, clean: boolean): void;
  /** Takes over a run that another record knew of. */
  assumeRun(run: RecorderRun): void;
  /** Notes the newest records on disk, of streams that have changed; one write for all. */
  noteLast(records: readonly LastRecord[]): void;
  /** The newest record of a stream that was noted, by the stream's folder name; null if none ever was. */
  lastRecord(stream: StreamFolder, symbol: string): { readonly recvUs: number; readonly id: number | null } | null;
  /** The newest records of all streams that were ever noted. */
  lastRecords(): readonly LastRecord[];
  /** Calls `listener` after each change of a gap; `before` is what was known of it. */
  onGap(listener: (gap: Gap, before: Gap | null) => void): void;
  /** Call it once a second. */
  look(): void;
  /** Why the file lacks what is in memory, or null. */
  problem(): string | null;
  /** Resolves when everything is on disk, or cannot be, or after `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
};

/** Path of a data folder's journal. */
export function journalPath(dataDir: string): string {
  return join(dataDir, "journal", "recorder.journal");
}

/** Reads what earlier runs left and goes on with it. Never throws: a journal that cannot be read is begun anew and said. */
export function openJournal(dataDir: string, deps: { log: Log }): Journal {
  const { log } = deps;
  const path = journalPath(dataDir);
  const found = readJournalFile(path);
  const { state } = found;
  const id = found.id ?? randomUUID();
  const listeners: ((gap: Gap, before: Gap | null) => void)[] = [];
  let position = found.number;
  let run: RecorderRun | null = null;

  const file = createJournalFile(path, found.problem === null ? found.bytes : 0, {
    snapshot: () => snapshotLines(id, position, state.snapshot()),
    onReplaced: (what) => log.error(`the journal ${what}; it is written again from memory`, { path }),
    onProblem(reason) {
      if (reason === null)
        log.info("the journal is written again; nothing that was held in memory is missing", { path });
      else
        log.error("the journal cannot be written; gaps are held in memory until the disk takes them", { path, reason });
    },
  });
  if (found.problem !== null)
    log.error("the journal cannot be read; it is begun anew", { path, reason: found.problem });
  if (found.damaged > 0)
    log.warn("lines of the journal are damaged and were skipped", { path, lines: found.damaged, last: found.isTorn });
  if (found.bytes === 0 || found.id === null || found.damaged > 0 || found.isTorn) file.rewrite(null);

  function note(entry: JournalEntry): void {
    state.apply(entry, ++position);
    file.append(encodeEntry(entry, position));
  }

  function noteGap(gap: Gap): void {
    if (!isGap(gap)) {
      log.error("a gap has no proper ends and cannot be written down", { gap: JSON.stringify(gap) });
      return;
    }
    const before = state.gap(gap);
    if (before !== null && isSame(before, gap)) return;
    note({ kind: "gap", gap });
    for (const listener of listeners) listener(state.gap(gap) ?? gap, before);
  }

  function noteOwnRun(next: RecorderRun): void {
    run = next;
    note({ kind: "run", run: next });
  }

  return {
    id,
    isNew: found.id === null,
    position: () => position,
    noteGaps: (gaps) => gaps.forEach(noteGap),
    noteRepair(key, records) {
      const gap = state.gap(key);
      if (gap !== null && gap.missing !== null)
        noteGap({ ...gap, repaired: Math.min(gap.missing, gap.repaired + records) });
    },
    forgetGap: state.forget,
    gap: state.gap,
    gapsOf: state.gapsOf,
    gapsOfStream: state.gapsOfStream,
    gapsSince: state.gapsSince,
    holes: {
      all: state.holes,
      save: (hole) => note({ kind: "hole", hole }),
      remove: ({ stream, symbol, fromId }) => note({ kind: "hole_done", stream, symbol, fromId }),
    },
    runs: state.runs,
    beginRun: (startedUs) => noteOwnRun({ started_us: startedUs, last_recv_us: null, clean: false, boot: bootId() }),
    noteRun(lastRecvUs, clean) {
      if (run !== null) noteOwnRun({ ...run, last_recv_us: lastRecvUs, clean });
    },
    assumeRun: (before) => note({ kind: "run", run: before }),
    noteLast(records) {
      if (records.length > 0) note({ kind: "last", records });
    },
    lastRecords: state.lasts,
    lastRecord(stream, symbol) {
      const last = state.last(stream, symbol);
      return last === null ? null : { recvUs: last[2], id: last[3] };
    },
    onGap: (listener) => void listeners.push(listener),
    look: () => void file.look(),
    problem: file.problem,
    async close(deadlineMs) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, deadlineMs);
      });
      await Promise.race([file.settle(), late]);
      clearTimeout(timer);
    },
  };
}

/** The journal of a data folder, for those who only read: null where there is none. A recorder may be writing. */
export function readJournal(dataDir: string): { gapsOf(day: Day): readonly Gap[] } | null {
  const { state, id } = readJournalFile(journalPath(dataDir));
  return id === null ? null : { gapsOf: state.gapsOf };
}

/** Encoded as they are asked for, since there may be many. */
function* snapshotLines(id: string, position: number, entries: readonly JournalEntry[]): Generator<string> {
  yield encodeHead(id, position);
  for (const entry of entries) yield encodeEntry(entry, position);
}

/** An end only moves later, so that an earlier one is no news. */
function isSame(known: Gap, news: Gap): boolean {
  return (
    news.to_us <= known.to_us &&
    news.cause === known.cause &&
    news.missing === known.missing &&
    news.repaired === known.repaired
  );
}
