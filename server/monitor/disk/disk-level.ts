import type { DiskStatus } from "../../domain/disk-status.ts";

export type DiskLevel = DiskStatus["level"];

const MB = 1024 ** 2;

/** A level is left only when there is so much more room than it begins at. */
const hysteresis = 1.25;

/** What is left below which the levels begin. */
export type Limits = { readonly low: number; readonly veryLow: number };

/** A small part of the disk, within what a few minutes and a few archives need, bytes. */
export function limitsOfBytes(total: number): Limits {
  return {
    low: Math.round(Math.min(total / 10, Math.max(256 * MB, Math.min(2048 * MB, total / 50)))),
    veryLow: Math.round(Math.min(total / 40, Math.max(32 * MB, Math.min(128 * MB, total / 1000)))),
  };
}

/** A small part of the inodes, within what some hours of segments need. */
export function limitsOfInodes(total: number): Limits {
  return {
    low: Math.round(Math.min(total / 10, Math.max(1000, Math.min(20_000, total / 50)))),
    veryLow: Math.round(Math.min(total / 40, Math.max(100, Math.min(2000, total / 1000)))),
  };
}

/** The level of what is left, given the one before. */
export function levelOf(left: number, { low, veryLow }: Limits, before: DiskLevel): Exclude<DiskLevel, "full"> {
  const isBelow = (limit: number, was: boolean) => left < (was ? limit * hysteresis : limit);
  if (isBelow(veryLow, before === "very_low" || before === "full")) return "very_low";
  return isBelow(low, before !== "ok") ? "low" : "ok";
}

const order: readonly DiskLevel[] = ["ok", "low", "very_low", "full"];

/** True if `a` is the graver level. */
export function isWorse(a: DiskLevel, b: DiskLevel): boolean {
  return order.indexOf(a) > order.indexOf(b);
}
