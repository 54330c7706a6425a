/** Why nothing could be received. */
export type GapCause =
  | "reconnect"
  | "silent"
  | "serverShutdown"
  | "exchange_down"
  | "overflow"
  | "disk"
  | "host_asleep"
  | "restart"
  | "crash";

/** A time span in which a stream could not be received: from the last record before it to the first one after it. */
export type Gap = {
  /** Folder name of the stream. */
  readonly stream: string;
  readonly symbol: string;
  /** µs since the Unix epoch. */
  readonly from_us: number;
  readonly to_us: number;
  readonly cause: GapCause;
};

/** The part of a gap that lies within [fromUs, toUs), or null. */
export function clipGap(gap: Gap, fromUs: number, toUs: number): Gap | null {
  const from = Math.max(gap.from_us, fromUs);
  const to = Math.min(gap.to_us, toUs);
  return from < to ? { ...gap, from_us: from, to_us: to } : null;
}
