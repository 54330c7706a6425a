import {
  clipSpan,
  dueSpan,
  type ReceivedDay,
  recordedSince,
  silentSpans,
  type TimeSpan,
} from "../../domain/coverage/coverage.ts";
import { type Day, dateOf, dateStartUs, dayUs, segmentOfPath } from "../../domain/day.ts";
import { clipGap, type Gap } from "../../domain/gap.ts";
import { type IdRange, joinRanges } from "../../domain/ids/id-ranges.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import { statSync } from "../../platform/files/files.ts";
import { explain } from "../../platform/system-errors.ts";
import { createIdCheck, type IdCheck, type IdReport } from "../../storage/ids/id-check.ts";
import type { RecordedFile } from "../../storage/list/day-files.ts";
import { receivedOf } from "../../storage/list/first-record.ts";
import { firstDate, isImpossible, isInvented, latestDate, trueDays } from "../../storage/list/invented-day.ts";
import { filesOfDay, isArchiveLost, type RecordedStream, streamsOfDay } from "../../storage/list/listing.ts";
import { readWhileMoving } from "../../storage/list/moving-files.ts";
import { readManifest } from "../../storage/manifest.ts";
import { type GapsOf, gapsOfDays } from "../../storage/recorded-gaps.ts";
import type { DayIds } from "./day-overlap.ts";
import { idProblems, midnightProblems, overlapProblems } from "./id-problems.ts";
import { needsRestBook } from "./rest-books.ts";
import { type Problem, verifyArchive } from "./verify-archive.ts";
import { verifySegments } from "./verify-segments.ts";

/** The result of checking one day of a stream. */
export type VerifiedDay = Day & {
  /** "absent": the day has no files, although days before and after have files. */
  readonly state: "archived" | "live" | "absent";
  /** Number of rows; null if they were not read. */
  readonly rows: number | null;
  /** True if the day exists only because a clock was wrong. Its records are kept, but it is excluded from all figures. */
  readonly isInvented: boolean;
  readonly problems: readonly Problem[];
  /** Recorded gaps, clipped to the day. */
  readonly gaps: readonly Gap[];
  /** Spans without records that no recorded gap explains. */
  readonly silences: readonly TimeSpan[];
};

export type VerifyStreamOptions = {
  readonly dataDir: string;
  /** Checks only manifests, sizes and gaps; reads no archive and no segment. */
  readonly quick: boolean;
  /** Receives the bytes read since the last call, and the day that is being read. */
  readonly onProgress: (bytes: number, day: Day) => void;
};

/**
 * Checks every day of a stream, from the first to the last, except days on which no REST book and no facts were due. Bad files are reported as problems; they
 * never reject.
 */
export async function verifyStream(
  recordedStream: RecordedStream,
  gapsOf: GapsOf,
  options: VerifyStreamOptions,
): Promise<VerifiedDay[]> {
  const { stream } = recordedStream;
  const idCheck = options.quick ? null : createIdCheck(stream.type.kind);
  const countSources = createSourceCount(options.dataDir);
  const checked: { day: Day; examined: ExaminedDay; isInvented: boolean }[] = [];
  const { gaps } = gapsOfDays(recordedStream.days, gapsOf);
  const today = latestDate(Date.now());
  const recordedDates = new Set(recordedStream.days.map(({ date }) => date));
  const ids: DayIds[] = [];
  for (const date of datesOf(recordedStream.days, today)) {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date };
    const before = idCheck?.mark();
    idCheck?.beginDay(countSources(day));
    const examined = recordedDates.has(date) ? await examineDay(day, idCheck, options) : absent;
    const isDayInvented = isInvented({ date, received: examined.received }, gaps, today);
    // The records of an invented day belong to other days, so the ids of the next day do not continue after them.
    if (isDayInvented && before !== undefined) idCheck?.returnTo(before);
    ids.push({ date, runs: joinRanges(examined.runs) });
    checked.push({ day, examined, isInvented: isDayInvented });
  }
  const all = joinRanges(ids.flatMap(({ runs }) => runs));
  const received = trueDays(
    checked.flatMap(({ examined }) => examined.received ?? []),
    gaps,
    today,
  );
  const sinceUs = recordedSince(received, gaps);
  const fromUs = dateStartUs(received[0]?.date ?? firstDate);
  const due = dueSpan({ fromUs, toUs: received.at(-1)?.lastUs ?? fromUs }, sinceUs);
  const silences = silentSpans(stream.type.kind, received, gaps, due);
  const { source, isFacts } = streamKinds[stream.type.kind];
  const isDue = ({ day, examined }: (typeof checked)[number]) =>
    source === "socket" || examined.state !== "absent" || (!isFacts && needsRestBook(options.dataDir, day));
  const midnightHoles = checked.flatMap(({ day, examined, isInvented }) =>
    isInvented ? [] : (examined.ids?.holes ?? []).filter(({ fromUs }) => fromUs < dateStartUs(day.date)),
  );
  return checked.filter(isDue).map(({ day, examined, isInvented }) => {
    const startUs = dateStartUs(day.date);
    const within = { fromUs: startUs, toUs: startUs + dayUs };
    // A gap before the stream's very first record is no gap.
    const shown = isInvented ? within : { ...within, fromUs: Math.max(startUs, sinceUs ?? startUs) };
    return {
      ...day,
      state: examined.state,
      rows: examined.rows,
      isInvented,
      problems: [
        ...examined.problems,
        ...(examined.ids === null || isInvented ? [] : idProblems(examined.ids, gaps, all)),
        ...(isInvented ? [] : midnightProblems(startUs + dayUs, midnightHoles, gaps, all)),
        ...overlapProblems(day.date, ids, gaps, stream.type.kind),
      ],
      gaps: gaps.map((gap) => clipGap(gap, shown.fromUs, shown.toUs)).filter((gap) => gap !== null),
      silences: silences.flatMap((span) => clipSpan(span, within)),
    };
  });
}

type ExaminedDay = {
  readonly state: VerifiedDay["state"];
  readonly rows: number | null;
  readonly problems: readonly Problem[];
  readonly received: ReceivedDay | null;
  readonly ids: IdReport | null;
  readonly runs: readonly IdRange[];
};

const absent: ExaminedDay = { state: "absent", rows: 0, problems: [], received: null, ids: null, runs: [] };

/** Returns every date from the first to the last possible date, and impossible dates that have files. */
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
 * Counts the recorders whose rows may interleave on a day: the sources of its combined archive, and the sources of the day before,
 * because another recorder may have received the last rows of that day after midnight. Call it for each day in order.
 */
function createSourceCount(dataDir: string): (day: Day) => number {
  let before: readonly unknown[] | undefined;
  return (day) => {
    let sources: readonly unknown[] | undefined;
    try {
      ({ sources } = readManifest(dataDir, day) ?? {});
    } catch {
      // `verifyArchive` reports the unreadable manifest.
    }
    const count = sources === undefined && before === undefined ? 1 : (sources?.length ?? 1) + (before?.length ?? 1);
    before = sources;
    return count;
  };
}

/** Checks a day. Starts again if a recorder seals or merges files meanwhile. */
async function examineDay(day: Day, idCheck: IdCheck | null, options: VerifyStreamOptions): Promise<ExaminedDay> {
  const before = idCheck?.mark();
  try {
    return await readWhileMoving(
      () => filesOfDay(options.dataDir, day),
      () => {
        if (before !== undefined) idCheck?.returnTo(before);
        return examineOnce(day, idCheck, options);
      },
    );
  } catch (error) {
    const problem: Problem = { kind: "segment_unreadable", detail: explain(error) };
    return { state: "live", rows: null, problems: [problem], received: null, ...idsOf(idCheck) };
  }
}

async function examineOnce(day: Day, idCheck: IdCheck | null, options: VerifyStreamOptions): Promise<ExaminedDay> {
  const files = streamsOfDay(options.dataDir, day).flatMap((recorded) => recorded.files);
  const segments = files.filter(({ path }) => segmentOfPath(path) !== null);
  const onLines = idCheck?.add;
  // A manifest without archive means a lost archive: the segments came after its merge and are not the whole day.
  const isLost = isArchiveLost(options.dataDir, day);
  if (files.length > 0 && segments.length === files.length && !isLost) {
    if (options.quick) return unread(day);
    const onBytes = (bytes: Uint8Array) => options.onProgress(bytes.length, day);
    const verified = await verifySegments(day, pathsOf(segments), { onBytes, onLines });
    return { state: "live", ...verified, ...idsOf(idCheck) };
  }
  let bytesReported = 0;
  const size = files.reduce((sum, { path }) => sum + statSync(path).size, 0);
  const onShare = (share: number) => {
    options.onProgress(share * size - bytesReported, day);
    bytesReported = share * size;
  };
  const archive = await verifyArchive(options.dataDir, day, onShare, { quick: options.quick, onLines });
  const ids = idsOf(idCheck);
  // Segments written after the merge. They are not added to the id check, because their ids lie within the archive's ids.
  const late = options.quick || segments.length === 0 ? null : await verifySegments(day, pathsOf(segments), {});
  const { manifest } = archive;
  return {
    state: "archived",
    rows: manifest === null ? null : manifest.rows + (late?.rows ?? 0),
    problems: [...(archive.kind === "ok" ? [] : archive.problems), ...(late?.problems ?? [])],
    received: manifest === null ? null : receivedOf(manifest),
    ...ids,
  };
}

/** Returns the results of the id check for the lines of a day. */
function idsOf(idCheck: IdCheck | null): Pick<ExaminedDay, "ids" | "runs"> {
  return { ids: idCheck?.report() ?? null, runs: idCheck?.takeRuns() ?? [] };
}

/** The result for a day of segments that were not read: records exist, the rest is unknown. */
function unread({ date }: Day): ExaminedDay {
  const startUs = dateStartUs(date);
  const received = { date, firstUs: startUs, lastUs: startUs + dayUs - 1, rowsPerMinute: null };
  return { state: "live", rows: null, problems: [], received, ids: null, runs: [] };
}

function pathsOf(files: readonly RecordedFile[]): string[] {
  return files.map(({ path }) => path);
}
