import type { Feed } from "../../binance/feed/feed.ts";
import type { FeedGap, FeedMessage } from "../../binance/gaps/feed-events.ts";
import type { Followed } from "../../binance/gaps/sequence-types.ts";
import type { InheritedFeed, Leftover } from "../../binance/sockets/parent-connection.ts";
import type { Gap } from "../../domain/gap.ts";
import { parseStreamName, type Stream, type StreamName } from "../../domain/stream.ts";

/** Reports a recorded message of the stream with this name. */
export type RecordNotice = (name: StreamName, message: Followed) => void;

/** The parent's side of an upgrade: reports streams, records and gaps to the child process. */
export type ParentState = {
  /**
   * Begins the upgrade and returns the position of each stream. From now on each record is reported, and gaps are held back: the child
   * process may have received the missing messages.
   */
  begin(note: RecordNotice): InheritedFeed;
  /** Cancels the upgrade and records the gaps that were held back. */
  cancel(): void;
  /** False while a connection may still deliver messages that another connection missed. */
  isSettled(): boolean;
  /** Stops receiving, as the child process receives; returns the gaps that the child process continues. */
  leave(): readonly Leftover[];
  hasLeft(): boolean;
  /** Returns the gaps that are held back. */
  held(): readonly FeedGap[];
  /** Call it when the next record of the stream begins a new numbering. */
  onEpoch(stream: Stream): void;
  onRecorded(message: FeedMessage): void;
  onGaps(gaps: readonly FeedGap[]): void;
};

/** Creates the state. Until `begin` it only passes gaps on to `addGaps`. */
export function createParentState(deps: {
  feed: () => Feed | null;
  addGaps: (gaps: readonly FeedGap[]) => void;
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
      if (gaps.length > 0) deps.addGaps(gaps);
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
      if (note === null) deps.addGaps(gaps);
      else held = [...held, ...gaps];
    },
  };
}

/** Converts a leftover gap that no process continues to the recorded form; empty if the stream's name is unknown. */
export function gapOfLeftover({ stream, fromUs, toUs, cause }: Leftover, atUs: number): readonly Gap[] {
  const parsed = parseStreamName(stream);
  if (parsed === null) return [];
  const span = { from_us: fromUs, to_us: toUs ?? atUs, cause, missing: null, repaired: 0 };
  return [{ stream: parsed.type.folder, symbol: parsed.symbol, ...span }];
}

function leftoverOf({ stream, fromUs, toUs, cause, missing }: FeedGap): Leftover {
  return { stream: stream.name, fromUs, toUs, cause, alone: false, provable: missing !== null };
}
