import type { Status } from "../status.ts";

/** Whether data is being recorded: "held" in memory because the disk refuses it, "part" if some streams have a gap now. */
export type RecordingState = "all" | "part" | "held" | "stopped";

/** Tells from the live streams whether data is being recorded. Symbols that the exchange has halted or does not know are not expected. */
export function recordingState({ symbols }: Pick<Status, "symbols">, isHeld: boolean): RecordingState {
  const expected = symbols.filter(({ state }) => state === "trading" || state === "unchecked");
  const streams = expected.flatMap(({ streams, last_recv_us }) => streams.map(({ gap }) => ({ gap, last_recv_us })));
  const missing = streams.filter(
    ({ gap, last_recv_us }) => (gap !== null && gap.cause !== "halted") || last_recv_us === null,
  );
  if (missing.length > 0 && missing.length === streams.length) return "stopped";
  if (isHeld) return "held";
  return missing.length > 0 ? "part" : "all";
}
