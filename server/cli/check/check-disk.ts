import { dirname, join, resolve } from "node:path";
import { Glob } from "bun";
import type { Config } from "../../config/config.ts";
import { ownSymbols } from "../../domain/shard.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import { levelOf, limitsOfBytes, limitsOfInodes } from "../../monitor/disk/disk-level.ts";
import { measureVolumes, type Volume } from "../../monitor/disk/volumes.ts";
import { existsSync, statSync } from "../../platform/files/files.ts";
import { type CheckFinding, failed, ok, type Probe, warning } from "./finding.ts";

/** Besides archives: the day that is not merged yet, in segments, and room for the merge. */
const workingDays = 3;

/** Free room, and for how many days it is enough. */
export const checkDisk: Probe = async (config) => {
  const dataDir = resolve(config.record.data_dir);
  let there = dataDir;
  while (!existsSync(there)) there = dirname(there);
  const volumes = await measureVolumes(there);
  const { freeBytes: free = 0, totalBytes: total = 0 } = volumes.find(({ holds }) => holds.includes("archive")) ?? {};
  const others = volumes.flatMap((volume) => aboutVolume(volume, volumes.length));
  const recorded = meanOfArchives(dataDir);
  const estimated =
    ownSymbols(config.record).length *
    config.record.streams.reduce((sum, type) => sum + streamKinds[type.kind].bytesADay(type), 0);
  const perDay = recorded ?? estimated;
  const basis = recorded === null ? "estimated for these symbols and streams" : "as the last archived days took";
  const room = `${gigabytes(free)} of ${gigabytes(total)} are free`;
  const pace = `${gigabytes(perDay)} a day (${basis})`;
  const days = free / Math.max(1, perDay) - workingDays;
  const advice =
    "a larger disk, fewer symbols, or limits: archive.retention_days, archive.min_free_gb, with [upload] for what goes";
  if (free < Math.min(2e9, total / 50) || days < 1) return [failed("disk.room", `${room}; ${pace}`, advice), ...others];
  const kept = keptDays(config);
  if (kept !== null && kept + workingDays < free / Math.max(1, perDay))
    return [ok("disk.room", `${room}; ${pace}; ${kept} days are kept (archive.retention_days)`), ...others];
  const forecast = `${room}; ${pace}: enough for ${days > 1000 ? "years" : `${Math.floor(days)} days`}`;
  return [days < 30 ? warning("disk.room", forecast, advice) : ok("disk.room", forecast), ...others];
};

/** What is wrong with one file system of the data folder besides the room for archives. */
function aboutVolume(
  { name, path, problem, freeBytes, totalBytes, freeInodes, totalInodes }: Volume,
  all: number,
): CheckFinding[] {
  const where = all === 1 ? "" : ` (${name}: ${path})`;
  if (problem !== null)
    return [failed(`disk.${name}`, `${path} cannot be reached: ${problem}`, "see whether its disk is mounted")];
  const found: CheckFinding[] = [];
  if (all > 1 && name !== "archive") {
    const room = `${gigabytes(freeBytes)} of ${gigabytes(totalBytes)} are free${where}`;
    const isLow = levelOf(freeBytes, limitsOfBytes(totalBytes), "ok") !== "ok";
    found.push(isLow ? failed(`disk.${name}`, room, "free some room there") : ok(`disk.${name}`, room));
  }
  if (freeInodes === null || totalInodes === null) return found;
  const level = levelOf(freeInodes, limitsOfInodes(totalInodes), "ok");
  if (level === "ok") return found;
  const advice = "remove small files, or make the file system anew with more inodes (mkfs.ext4 -N); df -i shows them";
  const inodes = `${freeInodes} of ${totalInodes} inodes are left (too many files)${where}`;
  return [...found, level === "low" ? warning("disk.inodes", inodes, advice) : failed("disk.inodes", inodes, advice)];
}

function keptDays({ archive }: Config): number | null {
  return archive.retention_days > 0 ? archive.retention_days : null;
}

/** Bytes of all archives of a day, the mean of the newest seven days there are; null without any. */
function meanOfArchives(dataDir: string): number | null {
  const archive = join(dataDir, "archive");
  if (!existsSync(archive)) return null;
  const days = new Map<string, number>();
  for (const path of new Glob("stream=*/symbol=*/date=*/*.jsonl.zst").scanSync(archive)) {
    const date = /date=([\d-]+)/.exec(path)?.[1] ?? "";
    days.set(date, (days.get(date) ?? 0) + statSync(join(archive, path)).size);
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
