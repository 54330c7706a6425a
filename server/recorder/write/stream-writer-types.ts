import type { Segment } from "../../domain/day.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Loss, WrittenBytes } from "../tamper/written-bytes.ts";
import type { DescriptorBudget } from "./descriptor-budget.ts";
import type { WriteFailure } from "./segment-file.ts";
import type { WriteLatency } from "./write-latency.ts";

export type StreamWriterOptions = {
  readonly dataDir: string;
  readonly segmentMinutes: number;
  readonly flushRecords: number;
  readonly sync: "seal" | "flush" | "never";
  /** A segment is closed early when it has grown to this size, so that sealing it takes bounded memory. */
  readonly maxSegmentBytes: number;
};

/** What a track tells the recorder. */
export type StreamWriterEvents = {
  /** The first record of a batch was taken: a flush is due within the flush interval. */
  readonly onBuffered: () => void;
  /** A segment is complete, and synced where that is wanted; it holds what was `written`. */
  readonly onClosed: (segment: Segment, stream: Stream, written: WrittenBytes) => void;
  readonly onFailure: (stream: Stream, operation: string, path: string, failure: NonNullable<WriteFailure>) => void;
  /** A write has worked; ends what onFailure began. `characters` fewer are held in memory. */
  readonly onWritten: (stream: Stream, characters: number) => void;
  /** May this many more characters be held in memory? If so they count until they are written. */
  readonly mayHold: (characters: number) => boolean;
  /** A record was not kept, because memory is full. */
  readonly onDropped: (stream: Stream, recvUs: number) => void;
  /** Somebody has deleted, replaced or truncated the open file. It is whole again, except for what is lost. */
  readonly onTampered: (stream: Stream, path: string, what: Tampering, loss: Loss | null) => void;
};

/** What tracks share. */
export type StreamWriterDeps = { readonly pace: WriteLatency; readonly places: DescriptorBudget };

/** What somebody has done to an open file. */
export type Tampering = "deleted or replaced" | "truncated or appended to" | "lost with its file system";
