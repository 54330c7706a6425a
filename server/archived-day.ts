import type { ArchiveSummary } from "./history.ts";

/** What is known of an archive without reading it or its manifest; all of it but `verified_us` is the manifest's. */
export type ArchivedDay = ArchiveSummary & {
  readonly first_recv_us: number;
  readonly last_recv_us: number;
  /** Minutes of the day, of 1440, that have a row. */
  readonly minutes_with_rows: number;
  /** Time in which something is still absent, µs; overlapping gaps count once. */
  readonly hole_us: number;
  /** Records that ids prove to be absent, and how many of them were refetched. */
  readonly missing: number;
  readonly repaired: number;
  /** When it was last read back and found to be what its manifest says, µs; null if that is not known. */
  readonly verified_us: number | null;
};

/** Something that happened to the recorder and should be found again: a start, a stop, a repair. */
export type CatalogueEvent = {
  readonly at_us: number;
  /** `start`, `stop`, `repair`, `rebuild`, `archive`, … */
  readonly kind: string;
  readonly message: string;
};
