import type { Day } from "../segment.ts";
import type { Manifest, ManifestGap } from "./manifest.ts";

/** What the day worker is asked to do. */
export type DayJob = {
  readonly dataDir: string;
  readonly day: Day;
  /** File names in the day's live folder, sealed or raw, none of which is still written to. */
  readonly inputs: readonly string[];
  readonly level: number;
  readonly recorder: Manifest["recorder"];
  readonly gaps: readonly ManifestGap[];
  /** Local clock minus exchange clock, ms, as measured when the day ended; null while unknown. */
  readonly clockOffsetMs: number | null;
};

/** What came of it. `quarantined`: new paths of files that could not be used. "nothing": no rows that are not archived yet. */
export type DayResult = {
  readonly kind: "archived" | "nothing";
  readonly manifest: Manifest | null;
  readonly quarantined: readonly { readonly path: string; readonly reason: string }[];
};
