import type { GapCause } from "../../domain/gap.ts";
import type { Stream } from "../../domain/stream.ts";
import type { MissingIds } from "./missing-ids.ts";

/** A span in which a stream could not be received. */
export type FeedGap = {
  readonly stream: Stream;
  readonly fromUs: number;
  readonly toUs: number;
  readonly cause: GapCause;
  /** Records that the ids prove to be absent; 0: nothing was missed; null: ids cannot tell how many. */
  readonly missing: number | null;
  /** The ids that are absent, where they are counted one by one (trades). */
  readonly holes: readonly MissingIds[];
};

/** Where the feed delivers; all are called synchronously, data in the order in which the sockets delivered. */
export type FeedEvents = {
  /** A payload of a stream, not yet seen; `id` is its update or trade id, `eventMs` its event time or 0. */
  readonly onData: (stream: Stream, payload: string, recvUs: number, eventMs: number, id: number) => void;
  /** A frame that is no data we know. `text` is what arrived. */
  readonly onOdd: (reason: string, text: string, recvUs: number) => void;
  /** Gaps that are over, with all that is known of them. */
  readonly onGaps: (gaps: readonly FeedGap[]) => void;
  /** The exchange began to count anew in this stream. */
  readonly onEpoch: (stream: Stream, id: number, recvUs: number) => void;
  /** Ids of trades that were told to be missing are not: the exchange's ids had jumped, and are back. */
  readonly onNotMissing?: (stream: Stream, hole: MissingIds) => void;
  /** The exchange's clock, ms, from a ping. */
  readonly onPing: (serverMs: number, recvUs: number) => void;
  /** A book without event time, dated by the diff of the same id on the same socket. */
  readonly onDated: (stream: Stream, eventMs: number, recvUs: number) => void;
};
