import type { Log } from "../log.ts";
import type { DiskStatus, Hardware } from "../status.ts";
import { slopeOf } from "./slope.ts";

/** Watches how full the disk of the data folder is, and foretells when it will be. */
export type DiskWatch = {
  /** Takes a look; `refusal` is what the disk answers to writes at present, or null. Call it once a second. */
  note(nowMs: number, disk: Pick<Hardware, "disk_free_bytes" | "disk_total_bytes">, refusal: string | null): void;
  /** Null before the first look. */
  status(): DiskStatus | null;
  /** How much work on archives may take up: merging leaves more room than sealing, and recording needs the rest. */
  room(): { readonly forSeals: number; readonly forMerges: number };
};

const MB = 1024 ** 2;

/** One sample a minute for six hours: long enough to see through sealing and compressing, short enough to see a change. */
const sampleMs = 60_000;
const mostSamples = 360;
const fewestSamples = 15;

/** A forecast nearer than this is worth a warning; one farther than `farSeconds` ends it. */
const nearSeconds = 3 * 86_400;
const farSeconds = 4 * 86_400;

/** A level is left only when there is so much more room than it begins at. */
const hysteresis = 1.25;

/** Nobody looks that far, and nothing known today holds until then, s. */
const farthestForecast = 400 * 86_400;

/** The watch of one file system; every change of level, and of the forecast's being near, is logged once. */
export function createDiskWatch(deps: { log: Log }): DiskWatch {
  const samples: { readonly atMs: number; readonly value: number }[] = [];
  let status: DiskStatus | null = null;

  function forecast(nowMs: number, freeBytes: number): Pick<DiskStatus, "fill_bytes_per_s" | "full_in_s"> {
    if (samples.length > 0 && nowMs - (samples.at(-1)?.atMs ?? 0) < sampleMs) {
      const { fill_bytes_per_s = null, full_in_s = null } = status ?? {};
      return { fill_bytes_per_s, full_in_s };
    }
    samples.push({ atMs: nowMs, value: freeBytes });
    if (samples.length > mostSamples) samples.shift();
    if (samples.length < fewestSamples) return { fill_bytes_per_s: null, full_in_s: null };
    const perSecond = Math.round(-slopeOf(samples) * 1000);
    const seconds = perSecond > 0 ? Math.round(freeBytes / perSecond) : Number.POSITIVE_INFINITY;
    return { fill_bytes_per_s: perSecond, full_in_s: seconds > farthestForecast ? null : seconds };
  }

  function tell(before: DiskStatus | null, now: DiskStatus): void {
    const fields = { free_mb: Math.round(now.free_bytes / MB), total_mb: Math.round(now.total_bytes / MB) };
    if (now.level !== (before?.level ?? "ok"))
      deps.log[now.level === "ok" ? "info" : "error"](words[now.level], fields);
    if (now.is_filling === (before?.is_filling ?? false)) return;
    if (now.is_filling) deps.log.warn(`the disk will be ${fullIn(now.full_in_s ?? 0)}`, fields);
    else deps.log.info("the disk is no longer about to be full", fields);
  }

  return {
    note(nowMs, { disk_free_bytes: freeBytes, disk_total_bytes: totalBytes }, refusal) {
      if (totalBytes === 0) return;
      const isRefusing = refusal !== null && /ENOSPC|EDQUOT/.test(refusal);
      const before = status;
      const limits = limitsOf(totalBytes);
      const next = forecast(nowMs, freeBytes);
      const near = before?.is_filling ? farSeconds : nearSeconds;
      status = {
        level: isRefusing ? "full" : levelOf(freeBytes, limits, before?.level ?? "ok"),
        free_bytes: freeBytes,
        total_bytes: totalBytes,
        ...limits,
        ...next,
        is_filling: next.full_in_s !== null && next.full_in_s < near,
      };
      tell(before, status);
    },
    status: () => status,
    room() {
      if (status === null) return { forSeals: Number.POSITIVE_INFINITY, forMerges: Number.POSITIVE_INFINITY };
      const { level, free_bytes, low_bytes, very_low_bytes } = status;
      return {
        forSeals: level === "ok" || level === "low" ? free_bytes - very_low_bytes : 0,
        forMerges: level === "ok" ? free_bytes - low_bytes : 0,
      };
    },
  };
}

/** "full in 3.2 days", as short as a message wants it. */
export function fullIn(seconds: number): string {
  if (seconds < 2 * 3600) return `full in ${Math.max(1, Math.round(seconds / 60))} minutes`;
  if (seconds < 2 * 86_400) return `full in ${Math.round(seconds / 3600)} hours`;
  return `full in ${(seconds / 86_400).toFixed(1)} days`;
}

const words: Record<DiskStatus["level"], string> = {
  ok: "the disk has room again; merging and sealing go on",
  low: "the disk is getting full: days are not merged until there is more room. Free some, or set archive.retention_days",
  very_low: "the disk is almost full: segments are not compressed and days not merged until there is more room",
  full: "the disk is full: records are held in memory as long as that lasts; free some room at once",
};

/** A small part of the disk, within what a few minutes and a few archives need. */
function limitsOf(totalBytes: number): { low_bytes: number; very_low_bytes: number } {
  return {
    low_bytes: Math.round(Math.min(totalBytes / 10, Math.max(256 * MB, Math.min(2048 * MB, totalBytes / 50)))),
    very_low_bytes: Math.round(Math.min(totalBytes / 40, Math.max(32 * MB, Math.min(128 * MB, totalBytes / 1000)))),
  };
}

function levelOf(
  freeBytes: number,
  { low_bytes, very_low_bytes }: { low_bytes: number; very_low_bytes: number },
  before: DiskStatus["level"],
): DiskStatus["level"] {
  const isWorseThan = (limit: number, was: boolean) => freeBytes < (was ? limit * hysteresis : limit);
  if (isWorseThan(very_low_bytes, before === "very_low" || before === "full")) return "very_low";
  return isWorseThan(low_bytes, before !== "ok") ? "low" : "ok";
}
