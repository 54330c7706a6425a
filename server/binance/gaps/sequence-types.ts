import type { MissingIds } from "../../domain/ids/id-order.ts";
import type { MissingIdsFinder } from "./missing-ids.ts";

/**
 * The place of a message in its stream. All messages except duplicates are recorded.
 *
 * | verdict   | message                                                                                              |
 * |-----------|------------------------------------------------------------------------------------------------------|
 * | next      | its id is higher than all ids of the epoch                                                           |
 * | late      | a higher id has arrived already, but no connection had delivered this message                        |
 * | epoch     | the first message of a new epoch: the exchange has restarted the ids                                  |
 * | duplicate | a connection has delivered this message already                                                      |
 */
export type SequenceVerdict = "next" | "late" | "epoch" | "duplicate";

/** Facts that decide the order of a message. `firstId`: first id that it covers; `mark`: its content mark; `recvUs`: its receipt, µs. */
export type Arrived = { readonly firstId: number; readonly id: number; readonly mark: number; readonly recvUs: number };

/** How far one connection has come in a stream. */
export type Cursor = {
  /** Highest id of this connection in its epoch; NaN before the first. */
  highest: number;
  /** First id of this connection. */
  first: number;
  /** Newest id. It shows how far the connection has come; the highest id may be a glitch. */
  recent: number;
  /** Receipt of the first and of the newest message, µs; 0 before the first. */
  firstUs: number;
  lastUs: number;
  epoch: number;
};

/** Facts about the ids of a stream before its first message. */
export type IdOrder = {
  /** Ids follow each other without a break (trades, diffs), so missing ids can be found. */
  readonly contiguous: boolean;
  /** Connections may deliver the same event with different content (diffs are cut differently). */
  readonly mayVary: boolean;
  /** Last id of an earlier run, or null. */
  readonly lastId: number | null;
  /** Ids of records on disk that the first messages may repeat. */
  readonly repeatedIds?: readonly number[];
};

/** Merges the messages of one stream from any number of connections into one order. */
export type Sequence = {
  /** A connection starts to deliver this stream. Returns its cursor. */
  join(): Cursor;
  /** The connection has ended. */
  leave(cursor: Cursor): void;
  /** Returns the cursors of the last two ended connections: open connections may lag behind them. */
  gone(): readonly Cursor[];
  /** Returns the cursors of open connections and of the last eight ended connections. */
  cursors(): readonly Cursor[];
  /** Decides what a message is, and updates the sequence. */
  judge(cursor: Cursor, message: Arrived): SequenceVerdict;
  /** Updates the sequence with a message that the parent process has recorded; `cursor` belongs to the parent. */
  follow(cursor: Cursor, message: Followed): void;
  /** Null for streams whose ids are not contiguous. */
  readonly missingIds: MissingIdsFinder | null;
  /** Returns the missing ids that are certain now; they no longer wait (`MissingIdsFinder.take`). */
  takeMissingIds(beforeUs: number, connections?: number): readonly MissingIds[];
  /**
   * True if records from before `sinceUs` may still arrive, because one of the `connections` lags behind. Other connections get time until
   * `beforeUs`.
   */
  mayBeginEarlier(sinceUs: number, beforeUs: number, connections: number): boolean;
  /** True if ids had jumped and are back since the last `takeGlitch`; nearly always false. */
  hasGlitch(): boolean;
  takeGlitch(): Glitch | null;
  /** Returns the newest recorded ids, for the child process of an upgrade. */
  trail(): Trail;
  /** Continues from the trail of the parent process; returns its cursor. Call it before the first message. */
  inherit(trail: Trail, lastUs: number): Cursor;
};

/** Ids had jumped to `id` and have returned. `notMissing`: ids that were reported as missing for it, but are not. */
export type Glitch = { readonly id: number; readonly notMissing: MissingIds | null };

/** A message that the parent process has recorded. `isEpoch`: it was the first of a new epoch. */
export type Followed = Arrived & { readonly isEpoch: boolean };

/** The newest ids of the current epoch with their content marks, oldest first, and missing ids (`holes` in the upgrade protocol). */
export type Trail = {
  readonly ids: readonly number[];
  readonly marks: readonly number[];
  readonly holes: readonly MissingIds[];
};
