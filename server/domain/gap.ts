/**
 * Why a record is not there: the connection was lost ("reconnect"), delivered nothing ("silent"), was ended by the exchange after an
 * announcement ("serverShutdown") or could not be had ("exchange_down"); the ids jump although the connection stood ("missing");
 * we could not keep up ("overflow"), the disk did not take it ("disk"), the delay gate dropped it ("latency"); nobody ran
 * ("host_asleep", "restart", "crash"); or the exchange halted the symbol, so that there was nothing to record ("halted"); or the config did not ask for the stream ("not_configured"). "clock" is no
 * absence: this machine's clock was wrong or was set, and records of that time bear stamps that were wrong.
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

/** A time span in which a stream could not be received or kept. A stream's gaps are told apart by their beginning. */
export type Gap = {
  /** Folder name of the stream. */
  readonly stream: string;
  readonly symbol: string;
  /** µs since the Unix epoch: the last moment at which all that came before is known to have been recorded. */
  readonly from_us: number;
  /** µs: from here on it is recorded again. */
  readonly to_us: number;
  readonly cause: GapCause;
  /**
   * Records that the ids prove to be absent; 0 if nothing was missed, or if it is counted with a later gap of the same hole; null where
   * ids cannot tell how many (books, diffs).
   */
  readonly missing: number | null;
  /** Of those, refetched over REST since. */
  readonly repaired: number;
};

/** True if something of the gap is still absent: not all was refetched, and it was not the exchange that paused. */
export function awaitsBackfill({ cause, missing, repaired }: Pick<Gap, "cause" | "missing" | "repaired">): boolean {
  return cause !== "halted" && (missing === null || repaired < missing);
}

/** The part of a gap that lies within [fromUs, toUs), or null; counts stay those of the whole gap. */
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

/** Causes of gaps, for those who ask for one. */
export const gapCauses = Object.keys(all) as readonly GapCause[];
