import type { DiskStatus } from "../../domain/storage-status.ts";

/** Describes a level of a disk, for the log. */
export function diskWords({ level, scarce, free_bytes, very_low_bytes }: DiskStatus): string {
  if (level === "full" && scarce === "bytes" && free_bytes > 2 * very_low_bytes) return refusedWords;
  return (scarce === "inodes" ? inodeWords : byteWords)[level];
}

/** Describes when a disk will be full, for the log. */
export function forecastWords({ full_in_s, scarce }: DiskStatus): string {
  const when = fullIn(full_in_s ?? 0);
  return scarce === "bytes" ? `the disk will be ${when}` : `the disk will be out of inodes (too many files), ${when}`;
}

/** Formats a forecast briefly: "full in 3.2 days". */
export function fullIn(seconds: number): string {
  if (seconds < 2 * 3600) return `full in ${Math.max(1, Math.round(seconds / 60))} minutes`;
  if (seconds < 2 * 86_400) return `full in ${Math.round(seconds / 3600)} hours`;
  return `full in ${(seconds / 86_400).toFixed(1)} days`;
}

const byteWords: Record<DiskStatus["level"], string> = {
  ok: "the disk has free space again; merging and sealing continue",
  low: "the disk is getting full: days are not merged until there is more space. Free some space, or set archive.retention_days",
  very_low: "the disk is almost full: segments are not compressed and days are not merged until there is more space",
  full: "the disk is full: records are held in memory until memory is full; free some space now",
};

const inodeWords: Record<DiskStatus["level"], string> = {
  ok: "the disk has inodes again",
  low: "the disk is running out of inodes (too many files), regardless of free space: remove small files, or move the data to a file system with more inodes",
  very_low: "the disk is almost out of inodes (too many files), regardless of free space: remove small files",
  full: "no inodes left (too many files): records are held in memory until memory is full; remove small files now",
};

const refusedWords =
  "the disk refuses writes although it has free space: probably a quota, or blocks reserved for root; records are held in memory until memory is full";
