import type { Gap, GapCause } from "../gap.ts";
import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import type { Stream } from "../stream.ts";

/** Writes every hole down, also while the disk that it is to be written to does not work. */
export type GapLedger = {
  /** A hole whose both ends are known. */
  add(streams: readonly Stream[], fromUs: number, toUs: number, cause: GapCause): void;
  /** The same hole reaches further than was said: the end of the one that begins at `fromUs` moves to `toUs`. */
  extend(streams: readonly Stream[], fromUs: number, toUs: number, cause: GapCause): void;
  /** A record was received and could not be kept; such records in a row are one gap. */
  drop(stream: Stream, recvUs: number): void;
  /** Ends the gaps of dropped records and stores what could not be stored before. Call it now and then while the disk works. */
  settle(): void;
  count(): number;
};

/** Gaps held in memory while they cannot be stored; beyond it neighbours are joined, none is forgotten. */
const mostWaiting = 10_000;

/** `deps.store` may throw. */
export function createGapLedger(deps: { store: (gap: Gap) => void; log: Log }): GapLedger {
  let waiting: Gap[] = [];
  const dropping = new Map<Stream, { fromUs: number; toUs: number }>();
  let count = 0;

  function store(): void {
    let stored = 0;
    try {
      for (const gap of waiting) {
        deps.store(gap);
        stored++;
      }
    } catch (error) {
      deps.log.warn("gaps cannot be stored yet and are kept in memory", {
        gaps: waiting.length - stored,
        reason: messageOf(error),
      });
    }
    waiting = waiting.slice(stored);
    if (waiting.length > mostWaiting) waiting = joined(waiting);
  }

  function add(streams: readonly Stream[], fromUs: number, toUs: number, cause: GapCause): void {
    if (fromUs >= toUs) return;
    count += streams.length;
    extend(streams, fromUs, toUs, cause);
  }

  function extend(streams: readonly Stream[], fromUs: number, toUs: number, cause: GapCause): void {
    for (const { type, symbol } of streams)
      waiting.push({ stream: type.folder, symbol, from_us: fromUs, to_us: toUs, cause, missing: null, repaired: 0 });
    store();
  }

  return {
    add,
    extend,
    drop(stream, recvUs) {
      const open = dropping.get(stream);
      if (open === undefined) dropping.set(stream, { fromUs: recvUs, toUs: recvUs + 1 });
      else open.toUs = recvUs + 1;
    },
    settle() {
      for (const [stream, { fromUs, toUs }] of dropping) add([stream], fromUs, toUs, "disk");
      dropping.clear();
      if (waiting.length > 0) store();
    },
    count: () => count,
  };
}

/** One gap a stream, from its first to its last. */
function joined(gaps: readonly Gap[]): Gap[] {
  const byStream = new Map<string, Gap>();
  for (const gap of gaps) {
    const key = `${gap.stream}/${gap.symbol}`;
    const kept = byStream.get(key);
    byStream.set(key, kept === undefined ? gap : { ...kept, to_us: Math.max(kept.to_us, gap.to_us) });
  }
  return [...byStream.values()];
}
