import type { Status } from "../domain/status.ts";
import type { DatasetStatus, DiskStatus, UploadStatus, VolumeStatus } from "../domain/storage-status.ts";
import { counter, type Family, gauge, stateSet } from "./family.ts";

const diskLevels: readonly DiskStatus["level"][] = ["ok", "low", "very_low", "full"];

/** Builds the metrics of stored data (sealed, merged, uploaded) and of the disks. */
export function storageFamilies(status: Status, isDiskFailing: boolean): readonly Family[] {
  const { archive, disk, disks, upload, dataset } = status;
  return [
    counter("rt_data_segments_sealed", "Segments compressed and verified.", [archive.segments_sealed]),
    gauge("rt_data_segments_waiting", "Closed segments not yet sealed.", [archive.segments_waiting]),
    counter("rt_data_archives_merged", "Days merged into an archive, counted per stream and symbol.", [
      archive.days_merged,
    ]),
    gauge("rt_data_archives_waiting", "Days not yet merged.", [archive.days_waiting]),
    counter("rt_data_archived_rows", "Records in the merged archives.", [archive.rows_merged]),
    counter("rt_data_archived_raw_bytes", "Bytes of these archives before compression.", [archive.raw_bytes_merged]),
    counter("rt_data_archived_compressed_bytes", "Bytes of these archives.", [archive.compressed_bytes_merged]),
    counter("rt_data_archive_failures", "Failed jobs on segments and days.", [archive.failures]),
    gauge("rt_data_archive_workers", "Threads sealing or merging now.", [archive.workers]),
    gauge("rt_data_disk_failing", "1 while the disk refuses writes.", [isDiskFailing ? 1 : 0]),
    ...(disk === null ? [] : diskFamilies(disk)),
    ...volumeFamilies(disks),
    ...(upload === null ? [] : uploadFamilies(upload)),
    ...(dataset === null ? [] : datasetFamilies(dataset)),
  ];
}

function diskFamilies(disk: DiskStatus): readonly Family[] {
  const { fill_bytes_per_s: pace, full_in_s: fullIn } = disk;
  return [
    gauge("rt_data_disk_free_bytes", "Free bytes on the file system of the data folder.", [disk.free_bytes]),
    gauge("rt_data_disk_size_bytes", "Size of the file system of the data folder.", [disk.total_bytes]),
    gauge("rt_data_disk_low_bytes", "Free bytes below which days are not merged.", [disk.low_bytes]),
    gauge("rt_data_disk_level", "How full the disk is.", ...stateSet("level", diskLevels, disk.level)),
    gauge("rt_data_disk_fill_bytes_per_second", "Fill rate of the last hours, negative while the disk empties.", [
      pace,
    ]),
    gauge("rt_data_disk_full_in_seconds", "Time until the disk is full at that rate; +Inf if it does not fill.", [
      pace === null ? null : (fullIn ?? Number.POSITIVE_INFINITY),
    ]),
  ];
}

/** Builds the metrics of each file system, because `archive/` and `live/` may be on other file systems. */
function volumeFamilies(disks: readonly VolumeStatus[]): readonly Family[] {
  const each = (read: (disk: VolumeStatus) => number | null) =>
    disks.map((disk) => [read(disk), { volume: disk.name }] as const);
  return [
    gauge("rt_data_volume_free_bytes", "Free bytes on a file system of the data folder.", ...each((d) => d.free_bytes)),
    gauge("rt_data_volume_size_bytes", "Size of a file system of the data folder.", ...each((d) => d.total_bytes)),
    gauge("rt_data_volume_free_inodes", "Free inodes.", ...each((d) => d.free_inodes)),
    gauge("rt_data_volume_inodes", "Total inodes.", ...each((d) => d.total_inodes)),
    gauge(
      "rt_data_volume_reachable",
      "0 while the file system cannot be reached.",
      ...each((d) => (d.problem === null ? 1 : 0)),
    ),
  ];
}

function uploadFamilies(upload: UploadStatus): readonly Family[] {
  return [
    counter("rt_data_uploads", "Archives in the bucket, including archives found there and combined archives.", [
      upload.archives_uploaded,
    ]),
    gauge("rt_data_uploads_waiting", "Archives not yet in the bucket.", [upload.archives_waiting]),
    gauge("rt_data_uploads_unconfirmed", "Archives uploaded but not yet confirmed an hour later.", [
      upload.archives_unconfirmed,
    ]),
    counter("rt_data_upload_sent_bytes", "Bytes sent to the bucket.", [upload.bytes_sent]),
    counter("rt_data_upload_failures", "Failed upload attempts.", [upload.failures]),
    gauge("rt_data_upload_failing", "1 while no upload is possible.", [upload.problem === null ? 0 : 1]),
  ];
}

function datasetFamilies(dataset: DatasetStatus): readonly Family[] {
  const isFailing = dataset.problem !== null || dataset.days.length > 0;
  return [
    counter("rt_data_dataset_days", "Days written to the dataset.", [dataset.days_written]),
    gauge("rt_data_dataset_days_waiting", "Archived days that the dataset lacks.", [dataset.days_waiting]),
    counter("rt_data_dataset_rows", "Rows written to the dataset.", [dataset.rows_written]),
    counter("rt_data_dataset_bytes", "Bytes of data files written to the dataset.", [dataset.bytes_written]),
    counter("rt_data_dataset_uploads", "Days added to the dataset in the bucket.", [dataset.days_uploaded]),
    gauge("rt_data_dataset_uploads_waiting", "Days that wait for the dataset in the bucket.", [
      dataset.uploads_waiting,
    ]),
    counter("rt_data_dataset_failures", "Failed jobs on the dataset.", [dataset.failures]),
    gauge("rt_data_dataset_failing", "1 while work on the dataset fails.", [isFailing ? 1 : 0]),
  ];
}
