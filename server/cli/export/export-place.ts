import { basename, dirname, join, sep } from "node:path";
import { targetOf } from "../../export/target.ts";
import { OperatorError } from "../../platform/errors.ts";
import { realpathSync } from "../../platform/files/files.ts";

/** Endings of exports. No file of the recorder ends like that. */
const exportEnding = /\.(?:csv|csv\.gz|csv\.zst|parquet|feather|npz)$/;

/**
 * Refuses an output that would replace a file of the recorder, or mix with recorded files: anything below `archive/` and `live/`, and
 * other files of the data folder unless their names end like an export. Links are followed.
 *
 * @throws OperatorError
 */
export function refuseRecorded(path: string, dataDir: string): void {
  const target = targetOf(path);
  if (target.kind !== "file") return;
  const place = realPath(target.path);
  const isBelow = (folder: string) => place.startsWith(realPath(folder) + sep);
  const isRecorded = ["archive", "live"].some((part) => isBelow(join(dataDir, part)));
  if (!isRecorded && (!isBelow(dataDir) || exportEnding.test(place))) return;
  throw new OperatorError(
    `cannot write ${path}: ${dataDir} belongs to the recorder; give a path outside, or a name in it that ends with .csv, .csv.gz, .csv.zst, .parquet or .feather, not below archive/ or live/`,
  );
}

/** Returns a path without symbolic links. Its last parts need not exist. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path));
  }
}
