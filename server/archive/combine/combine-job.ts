import type { Day } from "../../domain/day.ts";
import type { Manifest } from "../../storage/manifest.ts";

/** An archive of the day before or after, with its SHA-256. */
export type Neighbour = { readonly path: string; readonly sha256: string };

/** A request to the day worker: combines two recorders' archives of a day, without rows that belong to an adjacent day. */
export type CombineJob = {
  readonly kind: "combine";
  readonly dataDir: string;
  readonly day: Day;
  /** False: this disk's archive is not read. */
  readonly withOwn?: boolean;
  /** Path of the other archive; null if the day is only compared with the adjacent days. */
  readonly other: string | null;
  /** Manifest of the other archive; null if it has no valid manifest. */
  readonly otherManifest: Manifest | null;
  readonly before?: Neighbour | null;
  readonly after?: Neighbour | null;
  /** Path of the combined archive. */
  readonly out: string;
  readonly level: number;
  readonly recorder: Manifest["recorder"];
};

/**
 * The manifest of the combined day. A failure to read names the damaged file.
 *
 * | kind   | where the rows are                               | `out`       |
 * | ------ | ------------------------------------------------ | ----------- |
 * | "new"  | in the combined archive                          | was written |
 * | "same" | the other archive already has every row          | not there   |
 * | "own"  | this disk's archive has every row; own manifest  | not there   |
 */
export type CombineResult = { readonly kind: "new" | "same" | "own"; readonly manifest: Manifest };
