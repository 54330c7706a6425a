import type { StreamFolder } from "./stream.ts";
/**
 * Why a stretch of records is absent.
 *
 * | Cause | Reason |
 * |---|---|
 * | `reconnect` | The connection was lost. |
 * | `silent` | The connection was silent. |
 * | `serverShutdown` | The exchange ended the connection after an announcement. |
 * | `exchange_down` | No connection could be made. |
 * | `missing` | The ids jump although the connection was up. |
 * | `overflow` | The recorder could not keep up. |
 * | `disk` | The disk did not accept the records. |
 * | `latency` | The delay gate dropped the records. |
 * | `host_asleep`, `restart`, `crash` | The recorder was not running. |
 * | `halted` | The exchange halted the symbol, so there were no records. |
 * | `not_configured` | The config did not list the stream. |
 * | `clock` | No records are absent: this machine's clock was wrong or was set, so records of that time have wrong stamps. |
 */
export type GapCause =
  | "reconnect"
  | "silent"
  | "serverShutdown"
  | "exchange_down"
  | "missing"
  | "overflow"
  | "disk"
  | "latency"
  | "host_asleep"
  | "restart"
  | "crash"
  | "halted"
  | "not_configured"
  | "clock";

/** A time span in which a stream was not recorded. The gaps of a stream are identified by their start. */
export type Gap = {
  /** Folder name of the stream. */
  readonly stream: StreamFolder;
  readonly symbol: string;
  /** µs since the Unix epoch: the last moment up to which everything is known to be recorded. */
  readonly from_us: number;
  /** µs since the Unix epoch: the moment from which the stream is recorded again. */
  readonly to_us: number;
  readonly cause: GapCause;
  /**
   * Number of records that the ids prove to be absent.
   * 0 if no record was missed, or if a later gap counts the same missing ids. Null if ids cannot give the number (books, diffs).
   */
  readonly missing: number | null;
  /** Number of missing records that have been backfilled over REST. */
  readonly repaired: number;
};

/** Tests whether records are still absent: the gap was not backfilled in full, and the symbol was not halted. */
export function awaitsBackfill({ cause, missing, repaired }: Pick<Gap, "cause" | "missing" | "repaired">): boolean {
  return cause !== "halted" && (missing === null || repaired < missing);
}

/** Tests whether a day's rows end with absent records: a gap follows the last row, which was received at `lastUs`. */
export function endsInGap(gaps: readonly Omit<Gap, "stream" | "symbol">[], lastUs: number): boolean {
  return gaps.some((gap) => gap.to_us > lastUs && awaitsBackfill(gap));
}

/** Tests whether a gap proves that records had been received before it, even if none of them is on disk any more. */
export function provesEarlierRecords({ cause }: Pick<Gap, "cause">): boolean {
  return ["disk", "overflow", "latency", "missing", "crash"].includes(cause);
}

/** Clips a gap to [fromUs, toUs); null if they do not overlap. The counts remain those of the whole gap. */
export function clipGap(gap: Gap, fromUs: number, toUs: number): Gap | null {
  const from = Math.max(gap.from_us, fromUs);
  const to = Math.min(gap.to_us, toUs);
  return from < to ? { ...gap, from_us: from, to_us: to } : null;
}

/** Every cause once. */
const all: Record<GapCause, true> = {
  reconnect: true,
  silent: true,
  serverShutdown: true,
  exchange_down: true,
  missing: true,
  overflow: true,
  disk: true,
  latency: true,
  host_asleep: true,
  restart: true,
  crash: true,
  halted: true,
  not_configured: true,
  clock: true,
};

/** Every cause, for lists and for checks of input. */
export const gapCauses = Object.keys(all) as readonly GapCause[];
