import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { After } from "../../platform/time/timers.ts";
import type { FeedEvents } from "../gaps/feed-events.ts";
import type { Interruption } from "../gaps/stream-state.ts";
import type { ConnectRateLimit } from "../sockets/connect-rate-limit.ts";
import type { OpenConnection } from "../sockets/connection.ts";
import type { InheritedFeed } from "../sockets/parent-connection.ts";
import type { SuspendDetector } from "../sockets/suspend-detector.ts";
import type { RolloverTimes } from "./rollover-check.ts";

/** Counters of the feed, summed over its groups. */
export type FeedCounts = { duplicates: number; unusual: number; reconnects: number; rollovers: number; epochs: number };

export type StreamGroupOptions = {
  readonly streams: readonly Stream[];
  /** Diff stream whose event times date the books of its symbol, recorded or not; null without diff stream. */
  readonly reference: Stream | null;
  /** Address shown in the status until there is a connection. */
  readonly address: string;
  readonly slots: readonly { readonly id: number; readonly rolloverUs: () => number }[];
  /** Fixed silence timeout, µs; null for adaptive timeouts. */
  readonly staleUs: number | null;
  readonly rolloverTimes: RolloverTimes;
  /** How far the parent process is with the streams of this group; null if there is no parent that records. */
  readonly inherited: InheritedFeed | null;
};

export type StreamGroupDeps = {
  readonly nowUs: () => number;
  readonly after: After;
  readonly connectRateLimit: ConnectRateLimit;
  readonly random: () => number;
  readonly suspendDetector: Pick<SuspendDetector, "explains" | "stoodStill">;
  readonly connect: OpenConnection;
  /** Returns the address for the next connection, different from `taken` if possible. */
  readonly nextAddress: (taken: readonly string[]) => string;
  readonly sink: FeedEvents;
  /** Returns the gap that an earlier run left in a stream; null without gap. */
  readonly interruptionOf: (stream: Stream) => Interruption | null;
  /** Returns false while the exchange has halted the symbol, or does not know it. */
  readonly mayDeliver: (symbol: string) => boolean;
  readonly counts: FeedCounts;
  readonly log: Log;
};
