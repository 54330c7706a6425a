import type { BookAtInstant } from "./book/book-at-instant.ts";
import type { BookProof } from "./book/book-proof.ts";
import type { Day } from "./day.ts";
import type { Gap, GapCause } from "./gap.ts";
import type { StreamFolder } from "./stream.ts";

/** Figures with a history, in a fixed order. The name ends with the unit, except for plain numbers. */
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

/** The figures at one moment; null if unknown. `gaps` counts gaps that began since the previous moment. */
export type Sample = Readonly<Record<SeriesName, number | null>>;

/** Equally spaced values of every figure, oldest first. The interval of the last value is still running. */
export type SeriesView = {
  /** Start of the first interval, µs. */
  readonly from_us: number;
  readonly step_s: number;
  readonly values: Readonly<Record<SeriesName, readonly (number | null)[]>>;
};

/** Mid prices of the last hour, a minute each, oldest first; null for a minute without a book. The last minute is still running. */
export type MidPrices = {
  /** Start of the first minute, µs. */
  readonly from_us: number;
  readonly step_s: number;
  readonly symbols: readonly { readonly symbol: string; readonly mids: readonly (number | null)[] }[];
};

/** Length of a history: one hour in steps of 10 s, or a week in steps of 5 minutes. */
export type SeriesSpan = "hour" | "week";

/** Selects gaps; null does not filter. Times are µs. */
export type GapFilter = {
  readonly stream: StreamFolder | null;
  readonly symbol: string | null;
  readonly cause: GapCause | null;
  readonly fromUs: number | null;
  readonly toUs: number | null;
};

/** A part of a list, newest first. `next` requests the following part; null at the end. */
export type Page<Item> = { readonly items: readonly Item[]; readonly next: string | null };

/** A gap in the catalogue. */
export type KnownGap = Gap;

/** An event in the life of the recorder. */
export type RecorderEvent = {
  readonly at_us: number;
  readonly kind: string;
  /** The subject, for people (a path, a host, a symbol), or null. */
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
  /** When the archive was last read and matched its manifest, µs; null if unknown. */
  readonly verified_us: number | null;
};

/** All archives of one UTC day, or of all days. */
export type ArchiveSum = {
  readonly files: number;
  /** Files that were read and matched their manifest at least once. */
  readonly verified: number;
  /** The oldest of these checks, µs; null if a file was never checked. */
  readonly verified_us: number | null;
  readonly rows: number;
  readonly raw_bytes: number;
  readonly compressed_bytes: number;
  readonly gaps: number;
};

/** The archives of one UTC day of all streams and symbols. */
export type ArchiveDate = ArchiveSum & {
  readonly date: string;
  /** Lowest coverage of its files, 0 to 1. */
  readonly coverage: number;
  /** Missing time of its worst file, s. */
  readonly missing_s: number;
};

/** A page of days with archives, newest first, and the sum over all days. */
export type ArchiveDates = Page<ArchiveDate> & { readonly total: ArchiveSum & { readonly days: number } };

/**
 * State of a part of a day: recorded, partly missing, missing, halted by the exchange, still to come, or before the stream's very first
 * record ("not yet": it counts neither as recorded nor as missing).
 */
export type MinuteState = "recorded" | "partial" | "missing" | "halted" | "ahead" | "before";

/** Consecutive minutes of a day with the same state: from, to (exclusive), state. */
export type MinuteSpan = readonly [from: number, to: number, state: MinuteState];

/** One stream of one symbol on one day. */
export type DayCoverage = Day & {
  /** Recorded share of the finished part of the day since the first record; null if that part is empty. */
  readonly coverage: number | null;
  /** Missing time in that part, s. */
  readonly missing_s: number;
  /** Receipt of the stream's very first record, µs, on whatever day; null if it has none. */
  readonly first_us: number | null;
  readonly spans: readonly MinuteSpan[];
};

/** Today so far. */
export type TodayCoverage = {
  readonly date: string;
  /** Gaps of all streams that began today. */
  readonly gaps: number;
  /** Every stream that is being recorded. */
  readonly days: readonly DayCoverage[];
};

/** A day's coverage with its gaps and the rows of each of the 1440 minutes. */
export type DayDetail = DayCoverage & {
  readonly rows_per_minute: readonly number[];
  readonly gaps: readonly Pick<Gap, "from_us" | "to_us" | "cause" | "missing" | "repaired">[];
  /** What the recorded books proved about the day's diffs; absent for other streams, and before the proof. */
  readonly book?: BookProof;
  /** "manifest": read from the manifest. "live": counted while recording. */
  readonly source: "manifest" | "live";
};

/** Coverage of symbols by day. For a symbol with several streams, the worst stream of each day counts. */
export type CoverageTable = {
  readonly dates: readonly string[];
  readonly rows: readonly {
    readonly symbol: string;
    /** Per date: the recorded share; null without an archive, and before the first record. */
    readonly coverage: readonly (number | null)[];
    /** Per date: missing time, s; null as above. */
    readonly missing_s: readonly (number | null)[];
    /** Receipt of the symbol's very first record, µs: no stream of it was due before; null if it has none. */
    readonly first_us: number | null;
  }[];
};

/** State of checking an archive against its manifest. */
export type VerifyState =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly day: Day; readonly progress: number; readonly started_us: number }
  | {
      readonly kind: "done";
      readonly day: Day;
      readonly started_us: number;
      readonly ended_us: number;
      /** Empty if archive and manifest agree. */
      readonly problems: readonly { readonly kind: string; readonly detail: string }[];
    };

/** Queries about the past. Every answer is bounded. */
export type History = {
  series(span: SeriesSpan): SeriesView;
  mids(): MidPrices;
  gaps(filter: GapFilter, limit: number, after: string | null): Page<KnownGap>;
  events(limit: number, after: string | null): Page<RecorderEvent>;
  archives(
    filter: { readonly stream: StreamFolder | null; readonly symbol: string | null; readonly date: string | null },
    limit: number,
    after: string | null,
  ): Page<ArchiveSummary>;
  /** Returns the archive of a day, or null. */
  archive(day: Day): ArchiveSummary | null;
  /** Returns the archives by UTC day. */
  archiveDates(limit: number, after: string | null): ArchiveDates;
  /** Returns the coverage from `from` to `to`, inclusive. `coverage` and `today` yield to the recording, even with many gaps. */
  coverage(filter: {
    readonly stream: StreamFolder | null;
    readonly from: string;
    readonly to: string;
  }): Promise<CoverageTable>;
  today(): Promise<TodayCoverage>;
  /** Returns a day in detail; null if the day is unknown. */
  day(day: Day): DayDetail | null;
  /** Returns the book of a symbol at an instant; "busy" if too many requests wait, "failed" if it could not be read. */
  bookAt(request: {
    readonly symbol: string;
    readonly atUs: number;
    readonly depth: number;
  }): Promise<BookAtInstant | "busy" | "failed">;
  /** Returns the paths of an archive and its manifest. */
  files(day: Day): { readonly archive: string; readonly manifest: string };
  /** Starts a check of an archive. Only one check runs at a time. */
  verify(day: Day): "started" | "busy" | "no_archive";
  verification(): VerifyState;
};

/** Facts about an archive that the catalogue knows without reading files. All except `verified_us` and `coverage` are in the manifest. */
export type ArchivedDay = ArchiveSummary & {
  readonly first_recv_us: number;
  readonly last_recv_us: number;
  /** Minutes of the day with at least one row, of 1440. */
  readonly minutes_with_rows: number;
  /** Time in gaps with records still absent, µs. Overlapping gaps count once. */
  readonly hole_us: number;
  /** Records that ids prove to be absent, and how many of them were backfilled. */
  readonly missing: number;
  readonly repaired: number;
  /** Missing time of the day (`coverageOf`), µs; null in a catalogue of an earlier version. */
  readonly missing_us: number | null;
};

/** An event of the recorder worth finding again: a start, a stop, a repair. */
export type CatalogueEvent = {
  readonly at_us: number;
  /** `start`, `stop`, `repair`, `rebuild`, `archive`, … */
  readonly kind: string;
  readonly message: string;
};
