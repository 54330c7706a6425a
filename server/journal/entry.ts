import { type Gap, gapCauses } from "../domain/gap.ts";
import type { StoredBackfill } from "../domain/missing-ids.ts";
import type { StreamFolder } from "../domain/stream.ts";

/** One fact in the journal. A later entry about the same subject replaces the earlier entry, so reading twice is harmless. */
export type JournalEntry =
  /** The known facts about a gap; identified by stream, symbol and `from_us`. */
  | { readonly kind: "gap"; readonly gap: Gap }
  /** A run of the recorder; identified by `started_us`. */
  | { readonly kind: "run"; readonly run: RecorderRun }
  /** Missing ids to backfill; identified by stream, symbol and `fromId`. */
  | { readonly kind: "hole"; readonly hole: StoredBackfill }
  | { readonly kind: "hole_done"; readonly stream: StreamFolder; readonly symbol: string; readonly fromId: number }
  /** The latest record on disk of each stream; only streams that have changed. */
  | { readonly kind: "last"; readonly records: readonly LastRecord[] };

/** One run of the recorder. */
export type RecorderRun = {
  readonly started_us: number;
  /** Receipt of its latest record on disk, µs; null before the first record. */
  readonly last_recv_us: number | null;
  /** True if the run stopped in an orderly way. */
  readonly clean: boolean;
  /** The boot of the machine during the run; absent or null if unknown. */
  readonly boot?: string | null;
};

/** `[stream folder, symbol, recv_us, id]`; the id is null for a stream without ids. */
export type LastRecord = readonly [stream: StreamFolder, symbol: string, recvUs: number, id: number | null];

/** Checks a parsed JSON value and returns it as entry; null if it is invalid. */
export function entryOf(value: unknown): JournalEntry | null {
  if (!isObject(value)) return null;
  if (value.kind === "gap") return isGap(value.gap) ? { kind: "gap", gap: value.gap } : null;
  if (value.kind === "run") return isRun(value.run) ? { kind: "run", run: value.run } : null;
  if (value.kind === "hole") return isBackfill(value.hole) ? { kind: "hole", hole: value.hole } : null;
  if (value.kind === "last") return isLast(value.records) ? { kind: "last", records: value.records } : null;
  const { stream, symbol, fromId } = value;
  if (typeof stream !== "string" || typeof symbol !== "string") return null;
  if (value.kind === "hole_done" && isCount(fromId)) return { kind: "hole_done", stream, symbol, fromId };
  return null;
}

/** Checks every member of a gap. A gap whose ends are not numbers could not be stored anywhere. */
export function isGap(value: unknown): value is Gap {
  if (!isObject(value) || !isNamed(value)) return false;
  const { from_us, to_us, cause, missing, repaired } = value;
  return (
    isCount(from_us) &&
    isCount(to_us) &&
    gapCauses.some((known) => known === cause) &&
    (missing === null || isCount(missing)) &&
    isCount(repaired)
  );
}

function isRun(value: unknown): value is RecorderRun {
  if (!isObject(value)) return false;
  const { started_us, last_recv_us, clean, boot } = value;
  if (boot !== undefined && boot !== null && typeof boot !== "string") return false;
  return isCount(started_us) && (last_recv_us === null || isCount(last_recv_us)) && typeof clean === "boolean";
}

function isBackfill(value: unknown): value is StoredBackfill {
  if (!isObject(value) || !isNamed(value)) return false;
  const numbers = [value.fromId, value.toId, value.fromUs, value.toUs, value.nextId, value.fetched];
  return numbers.every(isCount) && gapCauses.some((known) => known === value.cause);
}

function isLast(value: unknown): value is readonly LastRecord[] {
  return (
    Array.isArray(value) &&
    value.every(
      (record) =>
        Array.isArray(record) &&
        typeof record[0] === "string" &&
        typeof record[1] === "string" &&
        isCount(record[2]) &&
        (record[3] === null || isCount(record[3])),
    )
  );
}

function isNamed({ stream, symbol }: Record<string, unknown>): boolean {
  return typeof stream === "string" && stream !== "" && typeof symbol === "string" && symbol !== "";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
