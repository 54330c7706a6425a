/** How full a file system is, and what this means for sealing and merging. */
export type DiskStatus = {
  /** "low": days are not merged. "very_low": segments are not sealed either. "full": records wait in memory. */
  readonly level: "ok" | "low" | "very_low" | "full";
  /** The resource that runs out first: bytes, or inodes (each file takes one inode of a fixed number). */
  readonly scarce: "bytes" | "inodes";
  readonly free_bytes: number;
  readonly total_bytes: number;
  /** Null if the file system does not count inodes. */
  readonly free_inodes: number | null;
  readonly total_inodes: number | null;
  /** Free bytes below which the level becomes "low"; `very_low_bytes` likewise. */
  readonly low_bytes: number;
  readonly very_low_bytes: number;
  /**
   * Trend of the last hours: bytes per second by which the disk fills, negative if it empties.
   * Null until three hours are known, or a quarter of an hour if the disk will be full within hours.
   */
  readonly fill_bytes_per_s: number | null;
  /** Seconds until the disk is full at that rate; null if it does not fill, or not within a year. */
  readonly full_in_s: number | null;
  /** True if the disk will be full within days, which deserves an alert. */
  readonly is_filling: boolean;
};

/** A file system that holds a part of the data folder. `archive/` and `live/` may be on other file systems, by a link or a mount. */
export type VolumeStatus = DiskStatus & {
  /** "data" is the file system of the data folder itself. */
  readonly name: "data" | "live" | "archive";
  readonly path: string;
  readonly holds: readonly VolumeStatus["name"][];
  /** Why the file system cannot be reached, or null. */
  readonly problem: string | null;
};

/** Describes briefly why a disk accepts no more data; null while it does. */
export function shortage({ level, scarce, free_bytes, free_inodes }: DiskStatus): string | null {
  if (level !== "very_low" && level !== "full") return null;
  if (scarce === "bytes") return `almost full: ${Math.round(free_bytes / 1024 ** 2)} MiB are free`;
  return free_inodes === 0
    ? "out of inodes: none are left (too many files)"
    : `almost out of inodes: ${free_inodes} are left (too many files)`;
}

/** State of the upload to the bucket. */
export type UploadStatus = {
  /** Bucket and host. */
  readonly target: string;
  /** Since the start of the process, including archives already in the bucket and combined archives. */
  readonly archives_uploaded: number;
  readonly archives_waiting: number;
  /** Uploaded and verified, but not yet confirmed an hour later. They stay on this disk until then. */
  readonly archives_unconfirmed: number;
  readonly bytes_sent: number;
  readonly failures: number;
  /** What prevents all uploads now, or null. */
  readonly problem: string | null;
  /**
   * Days (`date/stream/symbol`) with a problem of their own, at most 50.
   * Either the store refuses them while it accepts others, or their object in the bucket was changed or removed within the last day.
   */
  readonly objects?: readonly { readonly subject: string; readonly problem: string }[];
};

/** State of the dataset: the archived days as tables. Counts are since the start of the process. */
export type DatasetStatus = {
  /** Bucket and host that get the dataset too; null: it stays on this disk. */
  readonly bucket: string | null;
  readonly days_written: number;
  /** Archived days that the tables on this disk lack. */
  readonly days_waiting: number;
  /** Days added to the tables in the bucket, and days that wait for it. */
  readonly days_uploaded: number;
  readonly uploads_waiting: number;
  /** Rows and bytes of the written data files. */
  readonly rows_written: number;
  readonly bytes_written: number;
  readonly failures: number;
  /** What prevents work other than a single day's, or null. */
  readonly problem: string | null;
  /** Days (`date/stream/symbol`) that failed and are tried again, at most 50. */
  readonly days: readonly { readonly subject: string; readonly problem: string }[];
};
