import type { MissingIds, MissingIdsFinder } from "./missing-ids.ts";

/**
 * What a message is to its stream: the "next" one; a "late" one, which another socket has overtaken but which nobody had brought; the
 * first of a new "epoch", in which the exchange counts anew; or a "duplicate". All but the last are to be recorded.
 */
export type SequenceVerdict = "next" | "late" | "epoch" | "duplicate";

/** What the order of a message goes by; `firstId` is the first id that it covers, `mark` that of its content, `recvUs` its receipt. */
export type Arrived = { readonly firstId: number; readonly id: number; readonly mark: number; readonly recvUs: number };

/** How far one connection has come in a stream. */
export type Cursor = {
  /** Highest id that this connection has brought in its epoch; NaN before the first. */
  highest: number;
  /** The first id, and the one just brought. Whoever asks how far the connection has come takes this one: the highest may be a wrong one. */
  first: number;
  recent: number;
  /** Receipt of the first and of the newest message, µs; 0 before. */
  firstUs: number;
  lastUs: number;
  epoch: number;
};

/** What is known of the ids of a stream before the first one comes. */
export type IdOrder = {
  /** Ids follow each other without a break (trades, diffs), so that holes can be told. */
  readonly contiguous: boolean;
  /** Connections may word one and the same event differently. */
  readonly mayVary: boolean;
  /** That of an earlier run, or null. */
  readonly lastId: number | null;
  /** Ids of records that are on disk already, which the first messages may repeat. */
  readonly repeatedIds?: readonly number[];
};

/** The order of one stream, put together from any number of connections. */
export type Sequence = {
  /** A connection begins to bring this stream. */
  join(): Cursor;
  /** It does no more. */
  leave(cursor: Cursor): void;
  /** The newest two that have left, as far as they had come: others may lag behind them. */
  gone(): readonly Cursor[];
  /** All that bring it, and the newest eight that have left. */
  cursors(): readonly Cursor[];
  /** What the message is, given what all connections have brought before. */
  judge(cursor: Cursor, message: Arrived): SequenceVerdict;
  /** A message that another process has recorded, with what it was there; `cursor` is that process's. */
  follow(cursor: Cursor, message: Followed): void;
  readonly holes: MissingIdsFinder | null;
  /** Holes that can be told now, as `Holes.take`. */
  takeHoles(beforeUs: number, connections?: number): readonly MissingIds[];
  /**
   * What has come since `sinceUs` is not the beginning for certain: one of the `connections` lags behind. Those that do not are waited for
   * until `beforeUs`.
   */
  mayBeginEarlier(sinceUs: number, beforeUs: number, connections: number): boolean;
  /** Ids had jumped and are back, since `takeGlitch` was last called: false almost always. */
  hasGlitch(): boolean;
  takeGlitch(): Glitch | null;
  /** The newest of what has been recorded, for a process that is to go on with it. */
  trail(): Trail;
  /** Goes on where another process is, of which this is the trail; returns its cursor. To be called before anything is judged. */
  inherit(trail: Trail, lastUs: number): Cursor;
};

/** Ids had jumped, and went on where they had been. `notMissing`: what was given away as a hole for it, and is none. */
export type Glitch = { readonly id: number; readonly notMissing: MissingIds | null };

/** What another process tells of a message that it has recorded; `mark` is that of its content, `isEpoch`: the numbering began anew. */
export type Followed = Arrived & { readonly isEpoch: boolean };

/** The newest ids of the current epoch with the marks of their content, oldest first, and the holes that are waited for. */
export type Trail = {
  readonly ids: readonly number[];
  readonly marks: readonly number[];
  readonly holes: readonly MissingIds[];
};
