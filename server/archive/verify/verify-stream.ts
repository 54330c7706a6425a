import { clipSpan, type ReceivedDay, silentSpans, type TimeSpan } from "../../domain/coverage/coverage.ts";
import { type Day, dateOf, dateStartUs, dayUs, segmentOfPath } from "../../domain/day.ts";
import { clipGap, type Gap } from "../../domain/gap.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { statSync } from "../../platform/files/files.ts";
import { createIdCheck, type IdCheck, type IdReport } from "../../storage/ids/id-check.ts";
import type { IdRange } from "../../storage/ids/id-ranges.ts";
import type { RecordedFile } from "../../storage/list/day-files.ts";
import { isImpossible, isInvented, latestDate, trueDays } from "../../storage/list/invented-day.ts";
import { isArchiveLost, type RecordedStream, streamsOfDay } from "../../storage/list/listing.ts";
import { readManifest } from "../../storage/manifest.ts";
import { type GapsOf, gapsOfDays } from "../../storage/recorded-gaps.ts";
import { type DayIds, joined } from "./day-overlap.ts";
import { idProblems, overlapProblems } from "./id-problems.ts";
import { type Problem, verifyArchive } from "./verify-archive.ts";
import { verifySegments } from "./verify-segments.ts";

/** What has been found out about one day of a stream. */
export type VerifiedDay = Day & {
  /** "absent": nothing is there of it, although there is of days before and after. */
  readonly state: "archived" | "live" | "absent";
  /** Null where they were not read. */
  readonly rows: number | null;
  /** Only a wrong clock has made the day: its records are kept, and it counts in nothing. */
  readonly isInvented: boolean;
  /** What is not as it should be. */
  readonly problems: readonly Problem[];
  /** Recorded gaps, clipped to the day. */
  readonly gaps: readonly Gap[];
  /** Stretches in which nothing was recorded and no gap says why. */
  readonly silences: readonly TimeSpan[];
};

export type VerifyStreamOptions = {
  readonly dataDir: string;
  /** Reads no archive and no segment: manifests, sizes and gaps alone. */
  readonly quick: boolean;
  /** Bytes read since the last call, and of what. */
  readonly onProgress: (bytes: number, day: Day) => void;
};

/** Checks every day of a stream from its first to its last, in order. Never rejects for what is on disk: that is what the problems are for. */
export async function verifyStream(
  track: RecordedStream,
  gapsOf: GapsOf,
  options: VerifyStreamOptions,
): Promise<VerifiedDay[]> {
  const { stream } = track;
  const chain = options.quick ? null : createIdCheck(stream.type.kind);
  const sources = createSourceCount(options.dataDir);
  const checked: { day: Day; looked: LookedAt; isInvented: boolean }[] = [];
  const { gaps } = gapsOfDays(track.days, gapsOf);
  const today = latestDate(Date.now());
  const known = new Set(track.days.map(({ date }) => date));
  const ids: DayIds[] = [];
  for (const date of datesOf(track.days, today)) {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date };
    const before = chain?.mark();
    chain?.beginDay(sources(day));
    const looked = known.has(date) ? await lookAtDay(day, chain, options) : absent;
    const isNone = isInvented({ date, received: looked.received }, gaps, today);
    // Its records belong to other days: what comes before and after does not follow them.
    if (isNone && before !== undefined) chain?.returnTo(before);
    ids.push({ date, runs: joined(looked.runs) });
    checked.push({ day, looked, isInvented: isNone });
  }
  const all = joined(ids.flatMap(({ runs }) => runs));
  const received = trueDays(
    checked.flatMap(({ looked }) => looked.received ?? []),
    gaps,
    today,
  );
  const span = { fromUs: received[0]?.firstUs ?? 0, toUs: received.at(-1)?.lastUs ?? 0 };
  const silences = silentSpans(stream.type.kind, received, gaps, span);
  return checked.map(({ day, looked, isInvented }) => {
    const startUs = dateStartUs(day.date);
    const within = { fromUs: startUs, toUs: startUs + dayUs };
    return {
      ...day,
      state: looked.state,
      ...{ rows: looked.rows, isInvented },
      problems: [
        ...looked.problems,
        ...(looked.ids === null || isInvented ? [] : idProblems(looked.ids, gaps, all)),
        ...overlapProblems(day.date, ids, gaps, stream.type.kind),
      ],
      gaps: gaps.map((gap) => clipGap(gap, within.fromUs, within.toUs)).filter((gap) => gap !== null),
      silences: silences.flatMap((span) => clipSpan(span, within)),
    };
  });
}

type LookedAt = {
  readonly state: VerifiedDay["state"];
  readonly rows: number | null;
  readonly problems: readonly Problem[];
  readonly received: ReceivedDay | null;
  readonly ids: IdReport | null;
  readonly runs: readonly IdRange[];
};

const absent: LookedAt = { state: "absent", rows: 0, problems: [], received: null, ids: null, runs: [] };

/** Every date from the first to the last that can have been recorded, and the impossible ones that are there all the same. */
function datesOf(days: readonly { readonly date: string }[], today: string): string[] {
  const dates = days.map(({ date }) => date);
  const real = dates.filter((date) => !isImpossible(date, today));
  const [first, last] = [real[0], real.at(-1)];
  if (first === undefined || last === undefined) return dates;
  const between: string[] = [];
  for (let us = dateStartUs(first); us <= dateStartUs(last); us += dayUs) between.push(dateOf(us));
  return [...new Set([...dates, ...between])].sort();
}

/**
 * How many recorders' rows may come between each other on a day: those of its union, and those of the day before, whose last rows
 * another one may have got after midnight.
 */
function createSourceCount(dataDir: string): (day: Day) => number {
  let before: readonly unknown[] | undefined;
  return (day) => {
    let sources: readonly unknown[] | undefined;
    try {
      ({ sources } = readManifest(dataDir, day) ?? {});
    } catch {
      // Checking the archive tells what is the matter with its manifest.
    }
    const count = sources === undefined && before === undefined ? 1 : (sources?.length ?? 1) + (before?.length ?? 1);
    before = sources;
    return count;
  };
}

/** A recorder may seal or merge files while they are read; then the day is read again. */
async function lookAtDay(day: Day, chain: IdCheck | null, options: VerifyStreamOptions): Promise<LookedAt> {
  for (let attempt = 1; ; attempt++) {
    const before = chain?.mark();
    try {
      return await lookOnce(day, chain, options);
    } catch (error) {
      if (attempt < 5 && codeOf(error instanceof Error ? error.cause : error) === "ENOENT") {
        if (before !== undefined) chain?.returnTo(before);
        continue;
      }
      const problem: Problem = { kind: "segment_unreadable", detail: messageOf(error) };
      return { state: "live", rows: null, problems: [problem], received: null, ...idsOf(chain) };
    }
  }
}

async function lookOnce(day: Day, chain: IdCheck | null, options: VerifyStreamOptions): Promise<LookedAt> {
  const files = streamsOfDay(options.dataDir, day).flatMap((track) => track.files);
  const segments = files.filter(({ path }) => segmentOfPath(path) !== null);
  const onLines = chain?.add;
  // Where there is a manifest, segments alone are not the day: they came after its merge.
  const isLost = isArchiveLost(options.dataDir, day);
  if (files.length > 0 && segments.length === files.length && !isLost) {
    if (options.quick) return unread(day);
    const onBytes = (bytes: Uint8Array) => options.onProgress(bytes.length, day);
    const found = await verifySegments(day, pathsOf(segments), { onBytes, onLines });
    return { state: "live", ...found, ...idsOf(chain) };
  }
  let seen = 0;
  const size = files.reduce((sum, { path }) => sum + statSync(path).size, 0);
  const onShare = (share: number) => {
    options.onProgress(share * size - seen, day);
    seen = share * size;
  };
  const archive = await verifyArchive(options.dataDir, day, onShare, { quick: options.quick, onLines });
  const ids = idsOf(chain);
  // Segments that came after the merge; their ids lie between those of the archive.
  const late = options.quick || segments.length === 0 ? null : await verifySegments(day, pathsOf(segments), {});
  const { manifest } = archive;
  return {
    state: "archived",
    rows: manifest === null ? null : manifest.rows + (late?.rows ?? 0),
    problems: [...(archive.kind === "ok" ? [] : archive.problems), ...(late?.problems ?? [])],
    received:
      manifest === null
        ? null
        : {
            date: day.date,
            firstUs: manifest.first_recv_us,
            lastUs: manifest.last_recv_us,
            rowsPerMinute: manifest.rows_per_minute,
          },
    ...ids,
  };
}

/** What the chain has found in the lines of a day. */
function idsOf(chain: IdCheck | null): Pick<LookedAt, "ids" | "runs"> {
  return { ids: chain?.report() ?? null, runs: chain?.takeRuns() ?? [] };
}

/** A day of segments that were not read: that something was received is all that is known. */
function unread({ date }: Day): LookedAt {
  const startUs = dateStartUs(date);
  const received = { date, firstUs: startUs, lastUs: startUs + dayUs - 1, rowsPerMinute: null };
  return { state: "live", rows: null, problems: [], received, ids: null, runs: [] };
}

function pathsOf(files: readonly RecordedFile[]): string[] {
  return files.map(({ path }) => path);
}
