import { firstIdOf } from "./app-gaps.ts";
import type { Feed } from "./binance/feed.ts";
import type { FeedGap } from "./binance/feed-sink.ts";
import { contentMark } from "./binance/id-ring.ts";
import type { Inherited, Leftover } from "./binance/predecessor.ts";
import type { Gap } from "./gap.ts";
import { parseStreamName, type Stream } from "./stream.ts";

/** Tells of a record: stream, first id, id, mark of its content, receipt. */
export type Note = (name: string, firstId: number, id: number, mark: number, recvUs: number) => void;

/** What a recorder tells the process that gets ready to go on in its place. */
export type Departure = {
  /**
   * Returns how far each stream is. From now on each record is told, and gaps are held back: the other process may have received
   * what is missing here.
   */
  begin(note: Note): Inherited;
  /** Nobody takes over: what was held back is dealt with here. */
  cancel(): void;
  /** Stops receiving, since the other process does; returns what that one has to know of gaps. */
  leave(): readonly Leftover[];
  hasLeft(): boolean;
  /** Gaps that are held back. */
  held(): readonly FeedGap[];
  onRecorded(stream: Stream, payload: string, recvUs: number, id: number): void;
  onGaps(gaps: readonly FeedGap[]): void;
};

/** Does nothing but pass gaps on to `take`, until `begin`. */
export function createDeparture(deps: {
  feed: () => Feed | null;
  take: (gaps: readonly FeedGap[]) => void;
}): Departure {
  let note: Note | null = null;
  let held: readonly FeedGap[] = [];
  let hasLeft = false;
  return {
    begin(listener) {
      note = listener;
      return deps.feed()?.trails() ?? new Map();
    },
    cancel() {
      note = null;
      const gaps = held;
      held = [];
      if (gaps.length > 0) deps.take(gaps);
    },
    leave() {
      hasLeft = true;
      const leftovers = [...held.map(leftoverOf), ...(deps.feed()?.leftovers() ?? [])];
      deps.feed()?.stop();
      return leftovers;
    },
    hasLeft: () => hasLeft,
    held: () => held,
    onRecorded(stream, payload, recvUs, id) {
      note?.(stream.name, firstIdOf(stream, payload, id), id, contentMark(payload), recvUs);
    },
    onGaps(gaps) {
      if (note === null) deps.take(gaps);
      else held = [...held, ...gaps];
    },
  };
}

/** A gap that was left and that nobody goes on with, as it is written down. */
export function gapOfLeftover({ stream, fromUs, toUs, cause }: Leftover, atUs: number): readonly Gap[] {
  const parsed = parseStreamName(stream);
  if (parsed === null) return [];
  const span = { from_us: fromUs, to_us: toUs ?? atUs, cause, missing: null, repaired: 0 };
  return [{ stream: parsed.type.folder, symbol: parsed.symbol, ...span }];
}

function leftoverOf({ stream, fromUs, toUs, cause, missing }: FeedGap): Leftover {
  return { stream: stream.name, fromUs, toUs, cause, alone: false, provable: missing !== null };
}
