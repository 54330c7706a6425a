import type { DiskStatus } from "../../domain/storage-status.ts";

export type DiskLevel = DiskStatus["level"];

const MB = 1024 ** 2;

/** A level ends only when this many times its limit is free again (hysteresis). */
const hysteresis = 1.25;

/** Free bytes or inodes below which the levels begin. */
export type Limits = { readonly low: number; readonly veryLow: number };

/** Returns the limits in bytes: a small part of the disk, bounded by the needs of a few minutes and a few archives. */
export function limitsOfBytes(total: number): Limits {
  return {
    low: Math.round(Math.min(total / 10, Math.max(256 * MB, Math.min(2048 * MB, total / 50)))),
    veryLow: Math.round(Math.min(total / 40, Math.max(32 * MB, Math.min(128 * MB, total / 1000)))),
  };
}

/** Returns the limits in inodes: a small part of all, bounded by the needs of some hours of segments. */
export function limitsOfInodes(total: number): Limits {
  return {
    low: Math.round(Math.min(total / 10, Math.max(1000, Math.min(20_000, total / 50)))),
    veryLow: Math.round(Math.min(total / 40, Math.max(100, Math.min(2000, total / 1000)))),
  };
}

/** Returns the level for the free amount, given the previous level. */
export function levelOf(free: number, { low, veryLow }: Limits, previous: DiskLevel): Exclude<DiskLevel, "full"> {
  const isBelow = (limit: number, isActive: boolean) => free < (isActive ? limit * hysteresis : limit);
  if (isBelow(veryLow, previous === "very_low" || previous === "full")) return "very_low";
  return isBelow(low, previous !== "ok") ? "low" : "ok";
}

const levels: readonly DiskLevel[] = ["ok", "low", "very_low", "full"];

/** Tests whether `a` is the more severe level. */
export function isWorse(a: DiskLevel, b: DiskLevel): boolean {
  return levels.indexOf(a) > levels.indexOf(b);
}
