import type { Day } from "../../domain/day.ts";
import type { Manifest } from "../../storage/manifest.ts";

/** An archive of the day before or after, and the SHA-256 of it. */
export type Neighbour = { readonly path: string; readonly sha256: string };

/** Recorders' archives of a day that are to become one, without the rows that belong to a day beside it; sent to the day worker. */
export type CombineJob = {
  readonly kind: "unite";
  readonly dataDir: string;
  readonly day: Day;
  /** False: this disk's archive takes no part. */
  readonly withOwn?: boolean;
  /** Path of the other archive; null if there is none, and the day is only compared with those beside it. */
  readonly other: string | null;
  /** Its manifest, or null where none vouches for it. */
  readonly otherManifest: Manifest | null;
  readonly before?: Neighbour | null;
  readonly after?: Neighbour | null;
  /** Where the united archive goes. */
  readonly out: string;
  readonly level: number;
  readonly recorder: Manifest["recorder"];
};

/**
 * "same": the other archive has every row already; the manifest is for it, and nothing was written to `out`. "own": this disk's
 * archive is the whole, and the manifest is its own. A failure to read names the file that is damaged.
 */
export type CombineResult = { readonly kind: "new" | "same" | "own"; readonly manifest: Manifest };
