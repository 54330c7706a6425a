import type { DiskStatus, VolumeStatus } from "../domain/disk-status.ts";
import type { Status, UploadStatus } from "../domain/status.ts";
import { counter, type Family, gauge, stateSet } from "./family.ts";

const diskLevels: readonly DiskStatus["level"][] = ["ok", "low", "very_low", "full"];

/** What becomes of what was recorded: sealed, merged, uploaded; and the disk that holds it. */
export function storageFamilies(status: Status, isDiskFailing: boolean): readonly Family[] {
  const { archive, disk, disks, upload } = status;
  return [
    counter("rt_data_segments_sealed", "Segments compressed and verified.", [archive.segments_sealed]),
    gauge("rt_data_segments_waiting", "Closed segments that are not sealed yet.", [archive.segments_waiting]),
    counter("rt_data_archives_merged", "Days merged into an archive, one a stream and symbol.", [archive.days_merged]),
    gauge("rt_data_archives_waiting", "Days that are not merged yet.", [archive.days_waiting]),
    counter("rt_data_archived_rows", "Records in the archives that were merged.", [archive.rows_merged]),
    counter("rt_data_archived_raw_bytes", "Bytes of these archives before compression.", [archive.raw_bytes_merged]),
    counter("rt_data_archived_compressed_bytes", "Bytes of these archives.", [archive.compressed_bytes_merged]),
    counter("rt_data_archive_failures", "Work on segments and days that failed.", [archive.failures]),
    gauge("rt_data_archive_workers", "Threads that seal and merge at this moment.", [archive.workers]),
    gauge("rt_data_disk_failing", "1 while the disk refuses what is written.", [isDiskFailing ? 1 : 0]),
    ...(disk === null ? [] : diskFamilies(disk)),
    ...volumeFamilies(disks),
    ...(upload === null ? [] : uploadFamilies(upload)),
  ];
}

function diskFamilies(disk: DiskStatus): readonly Family[] {
  const { fill_bytes_per_s: pace, full_in_s: fullIn } = disk;
  return [
    gauge("rt_data_disk_free_bytes", "Free on the file system of the data folder.", [disk.free_bytes]),
    gauge("rt_data_disk_size_bytes", "Size of the file system of the data folder.", [disk.total_bytes]),
    gauge("rt_data_disk_low_bytes", "Free bytes below which days are not merged.", [disk.low_bytes]),
    gauge("rt_data_disk_level", "How full the disk is.", ...stateSet("level", diskLevels, disk.level)),
    gauge("rt_data_disk_fill_bytes_per_second", "Pace of the last hours, negative where it empties.", [pace]),
    gauge("rt_data_disk_full_in_seconds", "Time until the disk is full at that pace; +Inf where it does not fill.", [
      pace === null ? null : (fullIn ?? Number.POSITIVE_INFINITY),
    ]),
  ];
}

/** Each file system of the data folder by itself: `archive/` and `live/` may lie on others. */
function volumeFamilies(disks: readonly VolumeStatus[]): readonly Family[] {
  const each = (read: (disk: VolumeStatus) => number | null) =>
    disks.map((disk) => [read(disk), { volume: disk.name }] as const);
  return [
    gauge("rt_data_volume_free_bytes", "Free on a file system of the data folder.", ...each((d) => d.free_bytes)),
    gauge("rt_data_volume_size_bytes", "Size of a file system of the data folder.", ...each((d) => d.total_bytes)),
    gauge("rt_data_volume_free_inodes", "Inodes that are left.", ...each((d) => d.free_inodes)),
    gauge("rt_data_volume_inodes", "Inodes in all.", ...each((d) => d.total_inodes)),
    gauge("rt_data_volume_reachable", "0 while it cannot be reached.", ...each((d) => (d.problem === null ? 1 : 0))),
  ];
}

function uploadFamilies(upload: UploadStatus): readonly Family[] {
  return [
    counter("rt_data_uploads", "Archives brought to the bucket, found or united ones included.", [
      upload.archives_uploaded,
    ]),
    gauge("rt_data_uploads_waiting", "Archives that are not in the bucket yet.", [upload.archives_waiting]),
    gauge("rt_data_uploads_unconfirmed", "Archives uploaded, but not yet seen to be there an hour later.", [
      upload.archives_unconfirmed,
    ]),
    counter("rt_data_upload_sent_bytes", "Bytes sent to the bucket.", [upload.bytes_sent]),
    counter("rt_data_upload_failures", "Attempts to upload that failed.", [upload.failures]),
    gauge("rt_data_upload_failing", "1 while something keeps it from uploading.", [upload.problem === null ? 0 : 1]),
  ];
}
