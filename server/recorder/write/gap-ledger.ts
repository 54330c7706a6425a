import { type Gap, type GapCause, gapCauses } from "../../domain/gap.ts";
import { type SeriesKey, type Stream, seriesKey } from "../../domain/stream.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";

/** Stores every gap. Keeps gaps in memory while they cannot be stored. */
export type GapLedger = {
  /** Adds new gaps. */
  add(gaps: readonly Gap[]): void;
  /** Replaces gaps that were added before by their present state. */
  update(gaps: readonly Gap[]): void;
  /** Counts a received record that was not kept. Such records in a row are one gap. */
  drop(stream: Stream, recvUs: number, cause: DropCause): void;
  /** Closes the gaps of dropped records, and stores gaps that could not be stored before. Call it regularly while the disk works. */
  settle(): void;
  count(): number;
  /** Adds missing records to the sum of a cause: they were found in a gap that was added before. */
  foundMissing(cause: GapCause, records: number): void;
  /** Returns the sums since the start for every cause. Each gap counts with its length when it was added. */
  sums(): readonly GapSum[];
};

/** Sum of all gaps of a cause. */
export type GapSum = {
  readonly cause: GapCause;
  readonly gaps: number;
  readonly seconds: number;
  readonly missing: number;
};

/** Why a record that was received was not kept. */
export type DropCause = Extract<GapCause, "disk" | "overflow" | "latency">;

/** Most gaps in memory while they cannot be stored. Beyond it the gaps of each stream are joined; no gap is dropped. */
const mostWaiting = 10_000;

/** Creates the ledger. `deps.store` stores all gaps in one step; it may throw. */
export function createGapLedger(deps: { store: (gaps: readonly Gap[]) => void; log: Log }): GapLedger {
  let waiting: Gap[] = [];
  const dropping = new Map<Stream, { fromUs: number; toUs: number; cause: DropCause; count: number }>();
  const sums = new Map(gapCauses.map((cause) => [cause, { gaps: 0, seconds: 0, missing: 0 }]));
  let count = 0;

  function store(): void {
    try {
      deps.store(waiting);
      waiting = [];
    } catch (error) {
      const reason = messageOf(error);
      deps.log.warn("cannot store gaps yet; they are kept in memory", { gaps: waiting.length, reason });
      if (waiting.length > mostWaiting) waiting = joined(waiting);
    }
  }

  function update(gaps: readonly Gap[]): void {
    for (const gap of gaps) if (gap.from_us < gap.to_us) waiting.push(gap);
    if (waiting.length > 0) store();
  }

  function add(gaps: readonly Gap[]): void {
    const real = gaps.filter((gap) => gap.from_us < gap.to_us);
    count += real.length;
    for (const gap of real) {
      const sum = sums.get(gap.cause);
      if (sum === undefined) continue;
      sum.gaps++;
      sum.seconds += (gap.to_us - gap.from_us) / 1e6;
      sum.missing += gap.missing ?? 0;
    }
    update(real);
  }

  function endDrop(stream: Stream): Gap[] {
    const open = dropping.get(stream);
    if (open === undefined) return [];
    dropping.delete(stream);
    const { fromUs, toUs, cause } = open;
    const span = { from_us: fromUs, to_us: toUs, cause, missing: open.count, repaired: 0 };
    return [{ stream: stream.type.folder, symbol: stream.symbol, ...span }];
  }

  return {
    add,
    update,
    drop(stream, recvUs, cause) {
      if (dropping.get(stream)?.cause !== cause) add(endDrop(stream));
      const open = dropping.get(stream) ?? { fromUs: recvUs, toUs: recvUs + 1, cause, count: 0 };
      dropping.set(stream, open);
      open.toUs = recvUs + 1;
      open.count++;
    },
    settle() {
      add([...dropping.keys()].flatMap(endDrop));
    },
    count: () => count,
    foundMissing(cause, records) {
      const sum = sums.get(cause);
      if (sum !== undefined) sum.missing += records;
    },
    sums: () => [...sums].map(([cause, sum]) => ({ cause, ...sum })),
  };
}

/** Joins the gaps of each stream to one gap. */
function joined(gaps: readonly Gap[]): Gap[] {
  const byStream = new Map<SeriesKey, Gap>();
  for (const gap of gaps) {
    const key = seriesKey(gap.stream, gap.symbol);
    const kept = byStream.get(key);
    if (kept === undefined) byStream.set(key, gap);
    else byStream.set(key, { ...kept, to_us: Math.max(kept.to_us, gap.to_us), missing: null, repaired: 0 });
  }
  return [...byStream.values()];
}
