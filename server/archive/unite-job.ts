import type { Day } from "../segment.ts";
import type { Manifest } from "./manifest.ts";

/** Two recorders' archives of a day that are to become one; sent to the day worker. */
export type UniteJob = {
  readonly kind: "unite";
  readonly dataDir: string;
  readonly day: Day;
  /** Path of the other archive. */
  readonly other: string;
  /** Its manifest, or null where none vouches for it. */
  readonly otherManifest: Manifest | null;
  /** Where the united archive goes. */
  readonly out: string;
  readonly level: number;
  readonly recorder: Manifest["recorder"];
};

/** "same": the other archive has every row already; the manifest is for it, and nothing was written to `out`. */
export type UniteResult = { readonly kind: "new" | "same"; readonly manifest: Manifest };
