import { clipSpan, type ReceivedDay, type Span, silentSpans } from "../coverage.ts";
import { clipGap, type Gap, isOpenHole } from "../gap.ts";
import { statSync } from "../platform/files.ts";
import { codeOf, messageOf } from "../problem.ts";
import type { RecordedFile } from "../recorded-day.ts";
import { type GapsOf, gapsOfDays } from "../recorded-gaps.ts";
import { type RecordedTrack, tracksOfDay } from "../recorded-track.ts";
import { type Day, dateOf, dateStartUs, dayUs, segmentOfPath } from "../segment.ts";
import { createIdChain, type IdChain, type IdReport } from "./id-chain.ts";
import { readManifest } from "./manifest.ts";
import { type Problem, verifyArchive } from "./verify.ts";
import { verifySegments } from "./verify-segments.ts";

/** What has been found out about one day of a stream. */
export type VerifiedDay = Day & {
  /** "absent": nothing is there of it, although there is of days before and after. */
  readonly state: "archived" | "live" | "absent";
  /** Null where they were not read. */
  readonly rows: number | null;
  /** What is not as it should be. */
  readonly problems: readonly Problem[];
  /** Recorded gaps, clipped to the day. */
  readonly gaps: readonly Gap[];
  /** Stretches in which nothing was recorded and no gap says why. */
  readonly silences: readonly Span[];
};

export type VerifyTrackOptions = {
  readonly dataDir: string;
  /** Reads no archive and no segment: manifests, sizes and gaps alone. */
  readonly quick: boolean;
  /** Bytes read since the last call, and of what. */
  readonly onProgress: (bytes: number, day: Day) => void;
};

/** Checks every day of a stream from its first to its last, in order. Never rejects for what is on disk: that is what the problems are for. */
export async function verifyTrack(
  track: RecordedTrack,
  gapsOf: GapsOf,
  options: VerifyTrackOptions,
): Promise<VerifiedDay[]> {
  const { stream } = track;
  const chain = options.quick ? null : createIdChain(stream.type.kind);
  const sources = createSourceCount(options.dataDir);
  const checked: { day: Day; looked: LookedAt }[] = [];
  const known = new Set(track.days.map(({ date }) => date));
  for (const date of datesBetween(track.days[0]?.date, track.days.at(-1)?.date)) {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date };
    chain?.beginDay(sources(day));
    checked.push({ day, looked: known.has(date) ? await lookAtDay(day, chain, options) : absent });
  }
  const { gaps } = gapsOfDays(track.days, gapsOf);
  const received = checked.flatMap(({ looked }) => looked.received ?? []);
  const span = { fromUs: received[0]?.firstUs ?? 0, toUs: received.at(-1)?.lastUs ?? 0 };
  const silences = silentSpans(stream.type.kind, received, gaps, span);
  return checked.map(({ day, looked }) => {
    const startUs = dateStartUs(day.date);
    const within = { fromUs: startUs, toUs: startUs + dayUs };
    return {
      ...day,
      state: looked.state,
      rows: looked.rows,
      problems: [...looked.problems, ...(looked.ids === null ? [] : idProblems(looked.ids, gaps))],
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
};

const absent: LookedAt = { state: "absent", rows: 0, problems: [], received: null, ids: null };

function datesBetween(first: string | undefined, last: string | undefined): string[] {
  if (first === undefined || last === undefined) return [];
  const dates: string[] = [];
  for (let us = dateStartUs(first); us <= dateStartUs(last); us += dayUs) dates.push(dateOf(us));
  return dates;
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
async function lookAtDay(day: Day, chain: IdChain | null, options: VerifyTrackOptions): Promise<LookedAt> {
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
      return { state: "live", rows: null, problems: [problem], received: null, ids: chain?.report() ?? null };
    }
  }
}

async function lookOnce(day: Day, chain: IdChain | null, options: VerifyTrackOptions): Promise<LookedAt> {
  const files = tracksOfDay(options.dataDir, day).flatMap((track) => track.files);
  const segments = files.filter(({ path }) => segmentOfPath(path) !== null);
  const onLines = chain?.add;
  if (files.length > 0 && segments.length === files.length) {
    if (options.quick) return unread(day);
    const onBytes = (bytes: Uint8Array) => options.onProgress(bytes.length, day);
    const found = await verifySegments(day, pathsOf(segments), { onBytes, onLines });
    return { state: "live", ...found, ids: chain?.report() ?? null };
  }
  let seen = 0;
  const size = files.reduce((sum, { path }) => sum + statSync(path).size, 0);
  const onShare = (share: number) => {
    options.onProgress(share * size - seen, day);
    seen = share * size;
  };
  const archive = await verifyArchive(options.dataDir, day, onShare, { quick: options.quick, onLines });
  const ids = chain?.report() ?? null;
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
    ids,
  };
}

/** A day of segments that were not read: that something was received is all that is known. */
function unread({ date }: Day): LookedAt {
  const startUs = dateStartUs(date);
  const received = { date, firstUs: startUs, lastUs: startUs + dayUs - 1, rowsPerMinute: null };
  return { state: "live", rows: null, problems: [], received, ids: null };
}

function pathsOf(files: readonly RecordedFile[]): string[] {
  return files.map(({ path }) => path);
}

/** What ids prove and no recorded gap accounts for. */
function idProblems({ holes, setbacks, doubled }: IdReport, gaps: readonly Gap[]): Problem[] {
  const problems: Problem[] = [];
  const known = (fromUs: number, toUs: number, counts: (gap: Gap) => boolean) =>
    gaps.some((gap) => gap.from_us <= toUs && gap.to_us >= fromUs && counts(gap));
  const missing = holes.filter(
    ({ fromUs, toUs }) => !known(fromUs, toUs, (gap) => isOpenHole(gap) || gap.cause === "halted"),
  );
  const back = setbacks.filter(({ fromUs, toUs }) => !known(fromUs, toUs, () => true));
  const [hole, setback] = [missing[0], back[0]];
  if (hole !== undefined) {
    const records = missing.reduce((sum, { firstId, lastId }) => sum + lastId - firstId + 1, 0);
    const ids = `${hole.firstId} to ${hole.lastId}`;
    problems.push({ kind: "id_missing", detail: `${records} ids are missing and no gap says why, first ${ids}` });
  }
  if (setback !== undefined) {
    const detail = `${back.length} rows have an id that is not above the one before, first ${setback.id} after ${setback.before}`;
    problems.push({ kind: "id_order", detail });
  }
  if (doubled > 0) problems.push({ kind: "id_order", detail: `${doubled} refetched rows were there already` });
  return problems;
}
