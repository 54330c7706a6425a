import type { DiskStatus } from "../../domain/disk-status.ts";

/** What a level of a disk means, for the log. */
export function diskWords({ level, scarce, free_bytes, very_low_bytes }: DiskStatus): string {
  if (level === "full" && scarce === "bytes" && free_bytes > 2 * very_low_bytes) return refusedWords;
  return (scarce === "inodes" ? inodeWords : byteWords)[level];
}

/** When a disk will be full, for the log. */
export function forecastWords({ full_in_s, scarce }: DiskStatus): string {
  const when = fullIn(full_in_s ?? 0);
  return scarce === "bytes" ? `the disk will be ${when}` : `the disk will be out of inodes (too many files), ${when}`;
}

/** "full in 3.2 days", as short as a message wants it. */
export function fullIn(seconds: number): string {
  if (seconds < 2 * 3600) return `full in ${Math.max(1, Math.round(seconds / 60))} minutes`;
  if (seconds < 2 * 86_400) return `full in ${Math.round(seconds / 3600)} hours`;
  return `full in ${(seconds / 86_400).toFixed(1)} days`;
}

const byteWords: Record<DiskStatus["level"], string> = {
  ok: "the disk has room again; merging and sealing go on",
  low: "the disk is getting full: days are not merged until there is more room. Free some, or set archive.retention_days",
  very_low: "the disk is almost full: segments are not compressed and days not merged until there is more room",
  full: "the disk is full: records are held in memory as long as that lasts; free some room at once",
};

const inodeWords: Record<DiskStatus["level"], string> = {
  ok: "the disk has inodes again",
  low: "the disk is running out of inodes (too many files), however much room there is: remove small files, or move the data to a file system with more",
  very_low: "the disk is almost out of inodes (too many files), however much room there is: remove small files",
  full: "no inodes left (too many files): records are held in memory as long as that lasts; remove small files at once",
};

const refusedWords =
  "the disk takes no more although it has room: most likely a quota, or blocks reserved for root; records are held in memory as long as that lasts";
