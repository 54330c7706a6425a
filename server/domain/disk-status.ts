/** How full a file system is, and what that means for the work on archives. */
export type DiskStatus = {
  /** "low": days are not merged. "very_low": segments are not sealed either. "full": records wait in memory. */
  readonly level: "ok" | "low" | "very_low" | "full";
  /** What there is too little of, or will be first: room, or inodes (one a file, in a fixed number). */
  readonly scarce: "bytes" | "inodes";
  readonly free_bytes: number;
  readonly total_bytes: number;
  /** Null if the file system does not count them. */
  readonly free_inodes: number | null;
  readonly total_inodes: number | null;
  /** Free bytes below which the levels begin. */
  readonly low_bytes: number;
  readonly very_low_bytes: number;
  /** Trend of the last hours: bytes a second by which it fills, negative where it empties; null until a quarter of an hour is known. */
  readonly fill_bytes_per_s: number | null;
  /** When it will be full at that pace, s; null where it does not fill, or not within a year. */
  readonly full_in_s: number | null;
  /** It will be full within days: worth an alert. */
  readonly is_filling: boolean;
};

/** A file system that holds a part of the data folder: `archive/` and `live/` may lie on others, by a link or a mount. */
export type VolumeStatus = DiskStatus & {
  /** "data" for the one of the data folder itself. */
  readonly name: "data" | "live" | "archive";
  readonly path: string;
  readonly holds: readonly VolumeStatus["name"][];
  /** Why it cannot be reached, or null. */
  readonly problem: string | null;
};

/** Why a disk takes no more, in a few words; null while it takes everything. */
export function shortage({ level, scarce, free_bytes, free_inodes }: DiskStatus): string | null {
  if (level !== "very_low" && level !== "full") return null;
  if (scarce === "bytes") return `almost full: ${Math.round(free_bytes / 1024 ** 2)} MiB are free`;
  return free_inodes === 0
    ? "out of inodes: none are left (too many files)"
    : `almost out of inodes: ${free_inodes} are left (too many files)`;
}
