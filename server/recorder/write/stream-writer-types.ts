import type { Segment } from "../../domain/day.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Loss, WrittenBytes } from "../tamper/written-bytes.ts";
import type { DescriptorBudget } from "./descriptor-budget.ts";
import type { UsedNames } from "./free-segment-name.ts";
import type { WriteFailure } from "./segment-file.ts";
import type { WriteLatency } from "./write-latency.ts";

export type StreamWriterOptions = {
  readonly dataDir: string;
  readonly segmentMinutes: number;
  readonly flushRecords: number;
  readonly sync: "seal" | "flush" | "never";
  /** Size at which a segment is closed early, so that sealing takes bounded memory. */
  readonly maxSegmentBytes: number;
  /** Names of segments that this run has used. */
  readonly usedNames?: UsedNames;
};

/** Events of a stream writer, for the recorder. */
export type StreamWriterEvents = {
  /** The first record of a batch is in memory: a flush is due within the flush interval. */
  readonly onBuffered: () => void;
  /** A segment is complete, and synced if wanted. It holds the records in `written`. */
  readonly onClosed: (segment: Segment, stream: Stream, written: WrittenBytes) => void;
  readonly onFailure: (stream: Stream, operation: string, path: string, failure: NonNullable<WriteFailure>) => void;
  /** A write has worked: ends the failure of the stream, and releases `characters` in memory. */
  readonly onWritten: (stream: Stream, characters: number) => void;
  /** Reserves memory for `characters`; false if the limit would be exceeded. Released by `onWritten`. */
  readonly reserve: (characters: number) => boolean;
  /** A record was dropped because memory is full. */
  readonly onDropped: (stream: Stream, recvUs: number) => void;
  /** Another program has changed the open file. It is repaired, except for `loss`. */
  readonly onTampered: (stream: Stream, path: string, tampering: Tampering, loss: Loss | null) => void;
};

/** Parts that all stream writers share. */
export type StreamWriterDeps = { readonly writeLatency: WriteLatency; readonly descriptorBudget: DescriptorBudget };

/** How another program, or a failed disk, has changed an open file. */
export type Tampering = "deleted or replaced" | "truncated or appended to" | "lost with its file system";
