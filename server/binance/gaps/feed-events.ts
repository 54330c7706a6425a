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

/** A payload as the feed delivers it. One object, overwritten by the next message: copy it to keep it. */
export type FeedMessage = {
  readonly stream: Stream;
  /** The payload's text, byte for byte. */
  readonly payload: string;
  /** Update or trade id. */
  readonly id: number;
  /** First id that the payload covers: `U` of a diff, otherwise the same as `id`. */
  readonly firstId: number;
  /** Mark of the payload's content, `contentMark`. */
  readonly mark: number;
  /** Event time, ms since the Unix epoch in the exchange's clock; 0 if the payload has none. */
  readonly eventMs: number;
  /** Receipt, µs. A feed that is read by another clock restamps it. */
  recvUs: number;
};

/** Where the feed delivers; all are called synchronously, data in the order in which the sockets delivered. */
export type FeedEvents = {
  /** A message that no connection has brought before. */
  readonly onData: (message: FeedMessage) => void;
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
