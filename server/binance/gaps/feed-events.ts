import type { GapCause } from "../../domain/gap.ts";
import type { MissingIds } from "../../domain/ids/id-order.ts";
import type { Stream } from "../../domain/stream.ts";

/** A span in which a stream could not be received. */
export type FeedGap = {
  readonly stream: Stream;
  readonly fromUs: number;
  readonly toUs: number;
  readonly cause: GapCause;
  /** Missing records as proven by ids; 0: no record was missed; null: ids cannot prove the number. */
  readonly missing: number | null;
  /** The missing ids, for streams that number each record (trades). */
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

/** Callbacks of the feed. All are called synchronously, in the order of receipt. */
export type FeedEvents = {
  /** A message that no connection has brought before. */
  readonly onData: (message: FeedMessage) => void;
  /** A frame without known data. `text`: the frame as received. */
  readonly onOdd: (reason: string, text: string, recvUs: number) => void;
  /** Gaps that have ended. */
  readonly onGaps: (gaps: readonly FeedGap[]) => void;
  /** The ids of this stream have restarted. */
  readonly onEpoch: (stream: Stream, id: number, recvUs: number) => void;
  /** Reported missing ids are not missing: the exchange's ids had jumped and are back. */
  readonly onNotMissing?: (stream: Stream, hole: MissingIds) => void;
  /** A ping with the exchange's clock, ms. */
  readonly onPing: (serverMs: number, recvUs: number) => void;
  /** A book without event time was dated by the diff of the same id on the same socket. */
  readonly onDated: (stream: Stream, eventMs: number, recvUs: number) => void;
};
