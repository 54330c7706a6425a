import type { DiskStatus } from "../../domain/storage-status.ts";
import type { Log } from "../../platform/log/log.ts";
import { isWorse, levelOf, limitsOfBytes, limitsOfInodes } from "./disk-level.ts";
import { diskWords, forecastWords } from "./disk-texts.ts";
import { createForecast } from "./forecast.ts";
import type { Volume } from "./volumes.ts";

/** Watches free bytes and inodes of one file system, and forecasts when it will be full. */
export type DiskWatch = {
  /** Updates the status; must be called every second. `refusal` is the disk's current answer to writes, or null. */
  update(nowMs: number, left: DiskRoom, refusal: string | null): void;
  /** Returns the status; null before the first update. */
  status(): DiskStatus | null;
  /** Returns how many bytes archive work may use. Merging leaves more space than sealing, because recording needs the rest. */
  room(): { readonly forSeals: number; readonly forMerges: number };
};

export type DiskRoom = Pick<Volume, "freeBytes" | "totalBytes" | "freeInodes" | "totalInodes">;

/** A forecast sooner than `nearSeconds` raises a warning, a forecast later than `farSeconds` ends it. */
const nearSeconds = 3 * 86_400;
const farSeconds = 4 * 86_400;

/** Fewest free inodes for sealing and merging, which need a few at a time and free more than they use. */
const minInodes = 16;

/**
 * Creates the watch of one file system. Logs every change of level once, and every change of whether the forecast is near.
 * `name` identifies the disk in the log if there are several.
 */
export function createDiskWatch(deps: { log: Log; name?: string | undefined }): DiskWatch {
  const [bytes, inodes] = [createForecast(), createForecast()];
  let status: DiskStatus | null = null;
  let inodeLevel: DiskStatus["level"] = "ok";
  let byteLevel: DiskStatus["level"] = "ok";

  function logChanges(before: DiskStatus | null, now: DiskStatus): void {
    const fields = { ...(deps.name !== undefined && { disk: deps.name }), ...figuresOf(now) };
    const isNewLevel = now.level !== (before?.level ?? "ok");
    if (isNewLevel) deps.log[now.level === "ok" ? "info" : "error"](diskWords(now), fields);
    if (now.is_filling === (before?.is_filling ?? false)) return;
    if (now.is_filling) deps.log.warn(forecastWords(now), fields);
    else deps.log.info("the disk is no longer filling up", fields);
  }

  return {
    update(nowMs, { freeBytes, totalBytes, freeInodes, totalInodes }, refusal) {
      if (totalBytes === 0) return;
      const isRefusing = refusal !== null && /ENOSPC|EDQUOT/.test(refusal);
      const before = status;
      const limits = limitsOfBytes(totalBytes);
      byteLevel = levelOf(freeBytes, limits, byteLevel);
      inodeLevel =
        freeInodes === null || totalInodes === null
          ? "ok"
          : levelOf(freeInodes, limitsOfInodes(totalInodes), inodeLevel);
      const [pace, files] = [bytes.addSample(nowMs, freeBytes), inodes.addSample(nowMs, freeInodes ?? 0)];
      const fullIn = [pace.overInS, freeInodes === null ? null : files.overInS].filter((s) => s !== null);
      const soonest = fullIn.length === 0 ? null : Math.min(...fullIn);
      const areInodesScarce =
        isWorse(inodeLevel, byteLevel) || (byteLevel === "ok" && soonest !== null && soonest !== pace.overInS);
      status = {
        level: isRefusing ? "full" : isWorse(inodeLevel, byteLevel) ? inodeLevel : byteLevel,
        scarce: areInodesScarce ? "inodes" : "bytes",
        free_bytes: freeBytes,
        total_bytes: totalBytes,
        free_inodes: freeInodes,
        total_inodes: totalInodes,
        low_bytes: limits.low,
        very_low_bytes: limits.veryLow,
        fill_bytes_per_s: pace.perSecond === null ? null : Math.round(pace.perSecond),
        full_in_s: soonest,
        is_filling: soonest !== null && soonest < (before?.is_filling ? farSeconds : nearSeconds),
      };
      logChanges(before, status);
    },
    status: () => status,
    room() {
      if (status === null) return { forSeals: Number.POSITIVE_INFINITY, forMerges: Number.POSITIVE_INFINITY };
      const { level, free_bytes, free_inodes, low_bytes, very_low_bytes } = status;
      if ((free_inodes ?? minInodes) < minInodes) return { forSeals: 0, forMerges: 0 };
      // Scarce inodes alone do not stop a merge, because it turns many files into one.
      const isFull = level === "full" && status.scarce === "bytes";
      return {
        forSeals: !isFull && byteLevel !== "very_low" ? free_bytes - very_low_bytes : 0,
        forMerges: !isFull && byteLevel === "ok" ? free_bytes - low_bytes : 0,
      };
    },
  };
}

function figuresOf({ scarce, free_bytes, total_bytes, free_inodes, total_inodes }: DiskStatus) {
  if (scarce === "inodes") return { free_inodes: free_inodes ?? 0, total_inodes: total_inodes ?? 0 };
  return { free_mb: Math.round(free_bytes / 1024 ** 2), total_mb: Math.round(total_bytes / 1024 ** 2) };
}
