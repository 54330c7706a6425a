import { join } from "node:path";
import type { Day } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { BackfillStore } from "../domain/missing-ids.ts";
import type { StreamFolder } from "../domain/stream.ts";
import type { Log } from "../platform/log/log.ts";
import { bootId } from "../platform/process/boot-id.ts";
import { isDoneWithin } from "../platform/time/deadline.ts";
import { isGap, type JournalEntry, type LastRecord, type RecorderRun } from "./entry.ts";
import { createJournalFile } from "./journal-file.ts";
import { encodeEntry, encodeHead } from "./journal-line.ts";
import type { JournalState } from "./journal-state.ts";
import { readJournalFile } from "./read-journal.ts";

/**
 * Stores the facts about a recording besides its records: gaps, runs, missing ids, and the latest record of each stream.
 * Facts are saved here first; the catalogue follows. Its methods never throw and never wait for the disk: entries that the disk refuses
 * are kept in memory and written as soon as the disk accepts them.
 */
export type Journal = {
  /** Identifies the journal. A position is only meaningful within its own journal. */
  readonly id: string;
  /** True if there was no journal at the start. The catalogue or the files may then know more. */
  readonly isNew: boolean;
  /** Returns the number of the latest entry. */
  position(): number;
  /** Saves gaps, or updates gaps with the same start. The end of a gap only moves later. */
  saveGaps(gaps: readonly Gap[]): void;
  /** Adds to the number of the gap's records that have been backfilled. */
  addBackfilled(key: Pick<Gap, "stream" | "symbol" | "from_us">, records: number): void;
  /** Removes a gap that is recorded in manifests. */
  forgetGap(gap: Gap): void;
  gap(key: Pick<Gap, "stream" | "symbol" | "from_us">): Gap | null;
  gapsOf(day: Day): readonly Gap[];
  gapsOfStream(stream: StreamFolder, symbol: string): readonly Gap[];
  /** Returns gaps saved after this position; 0 for all. */
  gapsSince(position: number): readonly Gap[];
  readonly backfills: BackfillStore;
  /** Returns the runs, oldest first. */
  runs(): readonly RecorderRun[];
  beginRun(startedUs: number): void;
  /** Saves the progress of the current run. `clean` when it ends in an orderly way. */
  saveRun(lastRecvUs: number, clean: boolean): void;
  /** Saves a run that is known from another source. */
  assumeRun(run: RecorderRun): void;
  /** Saves the latest records on disk of streams that have changed, with one write for all. */
  saveLastRecords(records: readonly LastRecord[]): void;
  /** Returns the latest saved record of a stream, by its folder name; null without record. */
  lastRecord(stream: StreamFolder, symbol: string): { readonly recvUs: number; readonly id: number | null } | null;
  /** Returns the latest saved records of all streams. */
  lastRecords(): readonly LastRecord[];
  /** Returns receipts of records that were on disk, µs: those of a stream's latest record, at the times when it was saved. */
  savedReceipts(stream: StreamFolder, symbol: string): readonly number[];
  /** Calls `listener` after each change of a gap. `before` is the previous state. */
  onGap(listener: (gap: Gap, before: Gap | null) => void): void;
  /** Must be called every second. */
  poll(): void;
  /** Returns why the file lacks entries that are in memory, or null. */
  problem(): string | null;
  /** Resolves when everything is on disk, or cannot be, or after `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
};

/** Returns the path of a data folder's journal. */
export function journalPath(dataDir: string): string {
  return join(dataDir, "journal", "recorder.journal");
}

/** Opens the journal that earlier runs left. Never throws: an unreadable journal is replaced by a new journal and logged. */
export function openJournal(dataDir: string, deps: { log: Log }): Journal {
  const { log } = deps;
  const path = journalPath(dataDir);
  const loaded = readJournalFile(path);
  const { state } = loaded;
  const id = loaded.id ?? crypto.randomUUID();
  const listeners: ((gap: Gap, before: Gap | null) => void)[] = [];
  let position = loaded.number;
  let run: RecorderRun | null = null;

  const file = createJournalFile(path, loaded.problem === null ? loaded.bytes : 0, {
    snapshot: () => snapshotLines(id, position, state.snapshot()),
    onReplaced: (event) => log.error(`the journal ${event}; rewriting it from memory`, { path }),
    onProblem(reason) {
      if (reason === null) log.info("the journal can be written again; all entries held in memory are saved", { path });
      else log.error("cannot write the journal; gaps are held in memory until the disk accepts them", { path, reason });
    },
  });
  if (loaded.problem !== null)
    log.error("cannot read the journal; starting a new journal", { path, reason: loaded.problem });
  if (loaded.damaged > 0)
    log.warn("skipped damaged lines of the journal", { path, lines: loaded.damaged, last: loaded.isTorn });
  if (loaded.bytes === 0 || loaded.id === null || loaded.damaged > 0 || loaded.isTorn) file.rewrite(null);

  function saveEntry(entry: JournalEntry): void {
    state.apply(entry, ++position);
    file.append(encodeEntry(entry, position));
  }

  function saveGap(gap: Gap): void {
    if (!isGap(gap)) {
      log.error("cannot save a gap with invalid ends", { gap: JSON.stringify(gap) });
      return;
    }
    const before = state.gap(gap);
    if (before !== null && isSame(before, gap)) return;
    saveEntry({ kind: "gap", gap });
    for (const listener of listeners) listener(state.gap(gap) ?? gap, before);
  }

  function saveCurrentRun(next: RecorderRun): void {
    run = next;
    saveEntry({ kind: "run", run: next });
  }

  return {
    id,
    isNew: loaded.id === null,
    position: () => position,
    saveGaps: (gaps) => gaps.forEach(saveGap),
    addBackfilled(key, records) {
      const gap = state.gap(key);
      if (gap !== null && gap.missing !== null)
        saveGap({ ...gap, repaired: Math.min(gap.missing, gap.repaired + records) });
    },
    forgetGap: state.forget,
    gap: state.gap,
    gapsOf: state.gapsOf,
    gapsOfStream: state.gapsOfStream,
    gapsSince: state.gapsSince,
    backfills: {
      all: state.backfills,
      save: (hole) => saveEntry({ kind: "hole", hole }),
      remove: ({ stream, symbol, fromId }) => saveEntry({ kind: "hole_done", stream, symbol, fromId }),
    },
    runs: state.runs,
    beginRun: (startedUs) =>
      saveCurrentRun({ started_us: startedUs, last_recv_us: null, clean: false, boot: bootId() }),
    saveRun(lastRecvUs, clean) {
      if (run !== null) saveCurrentRun({ ...run, last_recv_us: lastRecvUs, clean });
    },
    assumeRun: (before) => saveEntry({ kind: "run", run: before }),
    saveLastRecords(records) {
      if (records.length > 0) saveEntry({ kind: "last", records });
    },
    lastRecords: state.lasts,
    savedReceipts: state.savedReceipts,
    lastRecord(stream, symbol) {
      const last = state.last(stream, symbol);
      return last === null ? null : { recvUs: last[2], id: last[3] };
    },
    onGap: (listener) => void listeners.push(listener),
    poll: () => void file.poll(),
    problem: file.problem,
    async close(deadlineMs) {
      await isDoneWithin(file.flush(), deadlineMs);
    },
  };
}

/** Reads the journal of a data folder without opening it; null without journal. A recorder may be writing to it. */
export function readJournal(dataDir: string): Pick<JournalState, "gapsOf" | "gapsSince" | "lasts" | "runs"> | null {
  const { state, id } = readJournalFile(journalPath(dataDir));
  return id === null ? null : state;
}

/** Encodes lines one by one, because there may be many. */
function* snapshotLines(id: string, position: number, entries: readonly JournalEntry[]): Generator<string> {
  yield encodeHead(id, position);
  for (const entry of entries) yield encodeEntry(entry, position);
}

/** Tests whether an update changes a gap. An end only moves later, so an earlier end is no change. */
function isSame(saved: Gap, update: Gap): boolean {
  return (
    update.to_us <= saved.to_us &&
    update.cause === saved.cause &&
    update.missing === saved.missing &&
    update.repaired === saved.repaired
  );
}
