import type { Day } from "./day.ts";
import type { Gap, GapCause } from "./gap.ts";

/** Figures of which a history is kept, in a fixed order; the unit stands in the name where it is not a plain number. */
export const seriesNames = [
  "messages_per_s",
  "delay_p50_ms",
  "gaps",
  "disk_free_bytes",
  "memory_bytes",
  "cpu_cores",
  "network_bytes_per_s",
] as const;

export type SeriesName = (typeof seriesNames)[number];

/** Values of one moment; null where a figure is not known. `gaps` counts those that began since the moment before. */
export type Sample = Readonly<Record<SeriesName, number | null>>;

/** Equally spaced values of every figure, oldest first; the last one's interval is not over yet. */
export type SeriesView = {
  /** Start of the first interval, µs. */
  readonly from_us: number;
  readonly step_s: number;
  readonly values: Readonly<Record<SeriesName, readonly (number | null)[]>>;
};

/** How far a history looks back: one hour in steps of 10 s, or a week in steps of 5 minutes. */
export type SeriesSpan = "hour" | "week";

/** Which gaps are asked for; null does not filter. Times are µs. */
export type GapFilter = {
  readonly stream: string | null;
  readonly symbol: string | null;
  readonly cause: GapCause | null;
  readonly fromUs: number | null;
  readonly toUs: number | null;
};

/** A part of a list, newest first; `next` is what to ask for to get the part behind it, or null at the end. */
export type Page<Item> = { readonly items: readonly Item[]; readonly next: string | null };

/** A gap as it stands in the catalogue. */
export type KnownGap = Gap;

/** Something that happened to the recorder. */
export type RecorderEvent = {
  readonly at_us: number;
  readonly kind: string;
  /** What it concerned, in words for people (a path, a host, a symbol), or null. */
  readonly detail: string | null;
};

/** One archived day of one stream, without its minutes. */
export type ArchiveSummary = Day & {
  readonly rows: number;
  readonly raw_bytes: number;
  readonly compressed_bytes: number;
  /** SHA-256 of the archive file, hex. */
  readonly sha256: string;
  /** Share of the day that was recorded, 0 to 1. */
  readonly coverage: number;
  readonly gaps: number;
  readonly delay_p50_ms: number | null;
  readonly delay_p99_ms: number | null;
};

/** State of a part of a day: recorded, partly missing, missing, paused by the exchange, or not yet over. */
export type MinuteState = "recorded" | "partial" | "missing" | "halted" | "ahead";

/** Minutes of a day in a row that share a state: from, to (excluded), state. */
export type MinuteSpan = readonly [from: number, to: number, state: MinuteState];

/** One stream of one symbol on one day. */
export type DayCoverage = Day & {
  /** Share of the day that was recorded, of what is over of it; null where nothing is known of the day. */
  readonly coverage: number | null;
  readonly spans: readonly MinuteSpan[];
};

/** Today so far. */
export type TodayCoverage = {
  readonly date: string;
  /** Gaps of all streams that began today. */
  readonly gaps: number;
  /** Every recorded stream. */
  readonly days: readonly DayCoverage[];
};

/** The same with rows for each of the 1440 minutes and gaps. */
export type DayDetail = DayCoverage & {
  readonly rows_per_minute: readonly number[];
  readonly gaps: readonly Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired">[];
  /** From the manifest, or counted as it comes. */
  readonly source: "manifest" | "live";
};

/** Symbols by days. Of several streams of a symbol the least covered counts. */
export type CoverageTable = {
  readonly dates: readonly string[];
  readonly rows: readonly { readonly symbol: string; readonly coverage: readonly (number | null)[] }[];
};

/** A check of an archive against its manifest. */
export type VerifyState =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly day: Day; readonly progress: number; readonly started_us: number }
  | {
      readonly kind: "done";
      readonly day: Day;
      readonly started_us: number;
      readonly ended_us: number;
      /** Empty where archive and manifest agree. */
      readonly problems: readonly { readonly kind: string; readonly detail: string }[];
    };

/** What is asked of the past; every answer is bounded. */
export type History = {
  series(span: SeriesSpan): SeriesView;
  gaps(filter: GapFilter, limit: number, after: string | null): Page<KnownGap>;
  events(limit: number, after: string | null): Page<RecorderEvent>;
  archives(
    filter: { readonly stream: string | null; readonly symbol: string | null; readonly date: string | null },
    limit: number,
    after: string | null,
  ): Page<ArchiveSummary>;
  /** The archive of a day, or null. */
  archive(day: Day): ArchiveSummary | null;
  /** Days from `from` to `to`, both included. This and `today` take turns with the recording, however many gaps there are. */
  coverage(filter: {
    readonly stream: string | null;
    readonly from: string;
    readonly to: string;
  }): Promise<CoverageTable>;
  today(): Promise<TodayCoverage>;
  /** Null where nothing is known of the day. */
  day(day: Day): DayDetail | null;
  /** Paths of an archive and its manifest. */
  files(day: Day): { readonly archive: string; readonly manifest: string };
  /** Starts a check; one at a time. */
  verify(day: Day): "started" | "busy" | "no_archive";
  verification(): VerifyState;
};

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
