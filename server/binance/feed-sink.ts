import type { GapCause } from "../gap.ts";
import type { Stream } from "../stream.ts";

/** A span in which these streams could not be received. */
export type FeedGap = {
  readonly streams: readonly Stream[];
  readonly fromUs: number;
  readonly toUs: number;
  readonly cause: GapCause;
};

/** Where the feed delivers; all are called synchronously, in the order in which the socket delivered. */
export type FeedSink = {
  /** A payload of a stream, not yet seen. */
  readonly onData: (stream: Stream, payload: string, recvUs: number, eventMs: number) => void;
  /** A frame that is no data we know. `text` is what arrived. */
  readonly onOdd: (reason: string, text: string, recvUs: number) => void;
  readonly onGap: (gap: FeedGap) => void;
  /** The exchange's clock, ms, from a ping. */
  readonly onPing: (serverMs: number, recvUs: number) => void;
};
