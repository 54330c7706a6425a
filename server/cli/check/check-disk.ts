import { dirname, join, resolve } from "node:path";
import { Glob } from "bun";
import type { Config } from "../../config/config.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import { ownSymbols } from "../../domain/symbols/shard.ts";
import { levelOf, limitsOfBytes, limitsOfInodes } from "../../monitor/disk/disk-level.ts";
import { measureVolumes, type Volume } from "../../monitor/disk/volumes.ts";
import { existsSync, statSync } from "../../platform/files/files.ts";
import { type CheckFinding, failed, ok, type Probe, warning } from "./finding.ts";

/** Days of data that need room beside the archives: the segments of unmerged days, and the merge itself. */
const workingDays = 3;

/** Checks the free space and how many days it lasts. */
export const checkDisk: Probe = async (config) => {
  const dataDir = resolve(config.record.data_dir);
  let existing = dataDir;
  while (!existsSync(existing) || !statSync(existing).isDirectory()) existing = dirname(existing);
  const volumes = await measureVolumes(existing);
  const { freeBytes: free = 0, totalBytes: total = 0 } = volumes.find(({ holds }) => holds.includes("archive")) ?? {};
  const otherFindings = volumes.flatMap((volume) => aboutVolume(volume, volumes.length));
  const recorded = meanOfArchives(dataDir);
  const estimated =
    ownSymbols(config.record).length *
    config.record.streams.reduce((sum, type) => sum + streamKinds[type.kind].bytesADay(type), 0);
  const perDay = recorded ?? estimated;
  const basis = recorded === null ? "estimated for these symbols and streams" : "the mean of the last archived days";
  const room = `${gigabytes(free)} of ${gigabytes(total)} are free`;
  const pace = `${gigabytes(perDay)} a day (${basis})`;
  const days = free / Math.max(1, perDay) - workingDays;
  const advice =
    "use a larger disk or fewer symbols, or set archive.retention_days or archive.min_free_gb, with [upload] to keep removed archives";
  if (free < Math.min(2e9, total / 50) || days < 1)
    return [failed("disk.room", `${room}; ${pace}`, advice), ...otherFindings];
  const kept = keptDays(config);
  if (kept !== null && kept + workingDays < free / Math.max(1, perDay))
    return [ok("disk.room", `${room}; ${pace}; ${kept} days are kept (archive.retention_days)`), ...otherFindings];
  const forecast = `${room}; ${pace}: enough for ${days > 1000 ? "years" : `${Math.floor(days)} days`}`;
  return [days < 30 ? warning("disk.room", forecast, advice) : ok("disk.room", forecast), ...otherFindings];
};

/** Returns findings about a file system of the data folder, other than the space for archives. */
function aboutVolume(
  { name, path, problem, freeBytes, totalBytes, freeInodes, totalInodes }: Volume,
  volumeCount: number,
): CheckFinding[] {
  const where = volumeCount === 1 ? "" : ` (${name}: ${path})`;
  if (problem !== null)
    return [failed(`disk.${name}`, `${path} is not accessible: ${problem}`, "check whether its disk is mounted")];
  const findings: CheckFinding[] = [];
  if (volumeCount > 1 && name !== "archive") {
    const room = `${gigabytes(freeBytes)} of ${gigabytes(totalBytes)} are free${where}`;
    const isLow = levelOf(freeBytes, limitsOfBytes(totalBytes), "ok") !== "ok";
    findings.push(isLow ? failed(`disk.${name}`, room, "free some space there") : ok(`disk.${name}`, room));
  }
  if (freeInodes === null || totalInodes === null) return findings;
  const level = levelOf(freeInodes, limitsOfInodes(totalInodes), "ok");
  if (level === "ok") return findings;
  const advice = "remove small files, or recreate the file system with more inodes (mkfs.ext4 -N); df -i shows them";
  const inodes = `${freeInodes} of ${totalInodes} inodes are left (too many files)${where}`;
  return [
    ...findings,
    level === "low" ? warning("disk.inodes", inodes, advice) : failed("disk.inodes", inodes, advice),
  ];
}

function keptDays({ archive }: Config): number | null {
  return archive.retention_days > 0 ? archive.retention_days : null;
}

/** Returns the mean size of a day's archives over the newest seven days; null without archives. */
function meanOfArchives(dataDir: string): number | null {
  const archive = join(dataDir, "archive");
  if (!existsSync(archive)) return null;
  const days = new Map<string, number>();
  for (const path of new Glob("stream=*/symbol=*/date=*/*.jsonl.zst").scanSync(archive)) {
    const date = /date=([\d-]+)/.exec(path)?.[1] ?? "";
    days.set(date, (days.get(date) ?? 0) + (statSync(join(archive, path), { throwIfNoEntry: false })?.size ?? 0));
  }
  const newest = [...days]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .slice(0, 7)
    .map(([, bytes]) => bytes);
  return newest.length === 0 ? null : newest.reduce((sum, bytes) => sum + bytes, 0) / newest.length;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(bytes < 1e11 ? 1 : 0)} GB`;
}
