import type { Feed } from "../../binance/feed/feed.ts";
import type { FeedGap, FeedMessage } from "../../binance/gaps/feed-events.ts";
import type { Followed } from "../../binance/gaps/sequence-types.ts";
import type { InheritedFeed, Leftover } from "../../binance/sockets/parent-connection.ts";
import type { Gap } from "../../domain/gap.ts";
import { parseStreamName, type Stream, type StreamName } from "../../domain/stream.ts";

/** Tells of a record of the stream of this name. */
export type RecordNotice = (name: StreamName, message: Followed) => void;

/** What a recorder tells the process that gets ready to go on in its place. */
export type ParentState = {
  /**
   * Returns how far each stream is. From now on each record is told, and gaps are held back: the other process may have received
   * what is missing here.
   */
  begin(note: RecordNotice): InheritedFeed;
  /** Nobody takes over: what was held back is dealt with here. */
  cancel(): void;
  /** False while some connections have yet to bring what others have missed. */
  isSettled(): boolean;
  /** Stops receiving, since the other process does; returns what that one has to know of gaps. */
  leave(): readonly Leftover[];
  hasLeft(): boolean;
  /** Gaps that are held back. */
  held(): readonly FeedGap[];
  /** The next record of the stream begins another numbering. */
  onEpoch(stream: Stream): void;
  onRecorded(message: FeedMessage): void;
  onGaps(gaps: readonly FeedGap[]): void;
};

/** Does nothing but pass gaps on to `take`, until `begin`. */
export function createParentState(deps: {
  feed: () => Feed | null;
  take: (gaps: readonly FeedGap[]) => void;
}): ParentState {
  let note: RecordNotice | null = null;
  let held: readonly FeedGap[] = [];
  let hasLeft = false;
  let epoch: Stream | null = null;
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
    isSettled: () => deps.feed()?.unsettled().length === 0,
    leave() {
      hasLeft = true;
      const feed = deps.feed();
      const leftovers = [...held.map(leftoverOf), ...(feed?.leftovers() ?? []), ...(feed?.unsettled() ?? [])];
      feed?.stop();
      return leftovers;
    },
    hasLeft: () => hasLeft,
    held: () => held,
    onEpoch(stream) {
      epoch = stream;
    },
    onRecorded({ stream, firstId, id, mark, recvUs }) {
      if (note === null) return;
      note(stream.name, { firstId, id, mark, recvUs, isEpoch: stream === epoch });
      epoch = null;
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
