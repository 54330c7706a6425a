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

/** What the feed counts, over all its groups. */
export type FeedCounts = { duplicates: number; unusual: number; reconnects: number; rollovers: number; epochs: number };

/** What a group is made for. */
export type StreamGroupOptions = {
  readonly streams: readonly Stream[];
  /** Recorded or not, its event times date the books of its symbol; null for none. */
  readonly reference: Stream | null;
  /** Shown until there is a connection. */
  readonly address: string;
  readonly legs: readonly { readonly id: number; readonly rolloverUs: () => number }[];
  /** Fixed time-out of silence, µs, or null for adaptive ones. */
  readonly staleUs: number | null;
  readonly handover: RolloverTimes;
  /** How far another process is with streams of the group, which still records them; null where none does. */
  readonly inherited: InheritedFeed | null;
};

/** What a group lives on. */
export type StreamGroupDeps = {
  readonly nowUs: () => number;
  readonly after: After;
  readonly pacer: ConnectRateLimit;
  readonly random: () => number;
  readonly sleep: Pick<SuspendDetector, "explains" | "stoodStill">;
  readonly connect: OpenConnection;
  /** Where the next connection goes: to none of those that are taken, as long as there are others. */
  readonly nextAddress: (taken: readonly string[]) => string;
  readonly sink: FeedEvents;
  /** What an earlier run left of a stream. */
  readonly interruptionOf: (stream: Stream) => Interruption | null;
  /** False while the exchange has halted the symbol, or does not know it. */
  readonly mayDeliver: (symbol: string) => boolean;
  readonly counts: FeedCounts;
  readonly log: Log;
};
