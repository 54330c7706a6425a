import type { ReceivedDay } from "../domain/coverage/coverage.ts";
import { archivePath, type Day, segmentOfPath } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { Stream } from "../domain/stream.ts";
import { codeOf, messageOf } from "../platform/errors.ts";
import { statSync } from "../platform/files/files.ts";
import type { RecordedFile } from "../storage/list/day-files.ts";
import { isInvented, latestDate } from "../storage/list/invented-day.ts";
import { isArchiveLost, type RecordedStream, streamsOfDay } from "../storage/list/listing.ts";
import { type Manifest, readManifest } from "../storage/manifest.ts";
import { type GapsOf, gapsOfDays } from "../storage/recorded-gaps.ts";
import { verifySegments } from "./verify/verify-segments.ts";

/**
 * What a data folder holds of one day of a stream. "verified": an archive with the manifest that was written after it had been read
 * back, and still of the size stated there; "live": segments; "unverified": anything else, and `problem` says what.
 */
export type InventoryDay = Day & {
  readonly state: "verified" | "live" | "unverified";
  /** Records; null where nobody has counted. */
  readonly rows: number | null;
  /** On disk. */
  readonly bytes: number;
  /** Null where there is none or nobody has looked. */
  readonly received: ReceivedDay | null;
  readonly problem: string | null;
};

/** All that is recorded of one stream. */
export type InventoryStream = {
  readonly stream: Stream;
  readonly days: readonly InventoryDay[];
  /** Days that only a wrong clock has made: they are none of `days`. */
  readonly invented: readonly InventoryDay[];
  /** From the first to the last of these days, gaps over midnight joined. */
  readonly gaps: readonly Gap[];
};

export type InventoryOptions = {
  readonly dataDir: string;
  /** Leaves rows and minutes of live days uncounted: only their first and last segments are read. */
  readonly quick: boolean;
  readonly onProgress?: (share: number, path: string) => void;
};

/** Looks through what is there. Archives are not read, their manifests tell; segments are, unless it is to be quick. */
export async function takeInventory(
  tracks: readonly RecordedStream[],
  gapsOf: GapsOf,
  options: InventoryOptions,
): Promise<InventoryStream[]> {
  const found: InventoryStream[] = [];
  const total = tracks.reduce((sum, { days }) => sum + days.length, 0);
  const today = latestDate(Date.now());
  let done = 0;
  for (const { stream, days } of tracks) {
    if (days.length === 0) continue;
    const own: InventoryDay[] = [];
    for (const { date } of days) {
      const day = { stream: stream.type.folder, symbol: stream.symbol, date };
      options.onProgress?.(done++ / total, `${day.stream} ${day.symbol} ${day.date}`);
      const looked = await lookAtDay(day, options);
      if (looked !== null) own.push(looked);
    }
    if (own.length === 0) continue;
    const { gaps } = gapsOfDays(days, gapsOf);
    const [invented, real] = parted(own, (day) => isInvented(day, gaps, today));
    found.push({ stream, days: real, invented, gaps });
  }
  return found;
}

function parted<T>(all: readonly T[], is: (one: T) => boolean): readonly [T[], T[]] {
  return [all.filter(is), all.filter((one) => !is(one))];
}

/** A recorder may seal or merge files while they are looked at; then the day is looked at again. */
async function lookAtDay(day: Day, options: InventoryOptions): Promise<InventoryDay | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await lookOnce(day, options);
    } catch (error) {
      const isGone = codeOf(error instanceof Error && error.cause ? error.cause : error) === "ENOENT";
      if (isGone && attempt < 5) continue;
      return { ...day, state: "unverified", rows: null, bytes: 0, received: null, problem: messageOf(error) };
    }
  }
}

async function lookOnce(day: Day, options: InventoryOptions): Promise<InventoryDay | null> {
  const files = streamsOfDay(options.dataDir, day).flatMap((track) => track.files);
  const bytes = files.reduce((sum, { path }) => sum + statSync(path).size, 0);
  const segments = files.filter(({ path }) => segmentOfPath(path) !== null);
  if (segments.length === files.length && isArchiveLost(options.dataDir, day)) {
    return {
      ...day,
      state: "unverified",
      rows: null,
      bytes,
      received: null,
      problem: "the archive is gone, its manifest is not",
    };
  }
  if (files.length === 0) return null;
  if (segments.length === files.length) return { ...day, bytes, ...(await lookAtSegments(day, segments, options)) };
  const manifest = readManifest(options.dataDir, day);
  if (manifest === null) {
    const problem = "the archive has no manifest, so that nothing vouches for it";
    return { ...day, state: "unverified", rows: null, bytes, received: null, problem };
  }
  const late = await lookAtSegments(day, segments, options);
  const size = statSync(archivePath(options.dataDir, day)).size;
  const problem =
    size === manifest.compressed_bytes
      ? null
      : `the archive has ${size} bytes, by its manifest ${manifest.compressed_bytes}`;
  const rows = late.rows === null ? null : manifest.rows + late.rows;
  const received = joined(receivedOf(manifest), late.received);
  return { ...day, state: problem === null ? "verified" : "unverified", rows, bytes, received, problem };
}

type Looked = Pick<InventoryDay, "state" | "rows" | "received" | "problem">;

async function lookAtSegments(day: Day, files: readonly RecordedFile[], options: InventoryOptions): Promise<Looked> {
  // Files of one window overlap; any of them may begin first or end last.
  const ends = [files[0]?.startUs, files.at(-1)?.startUs];
  const scanned = options.quick ? files.filter(({ startUs }) => ends.includes(startUs)) : files;
  const found = await verifySegments(
    day,
    scanned.map(({ path }) => path),
    {},
  );
  const isWhole = scanned.length === files.length;
  const received = found.received && { ...found.received, ...(isWhole ? {} : { rowsPerMinute: null }) };
  const problem = found.problems.length === 0 ? null : found.problems.map(({ detail }) => detail).join("; ");
  return { state: problem === null ? "live" : "unverified", rows: isWhole ? found.rows : null, received, problem };
}

function receivedOf({ date, first_recv_us, last_recv_us, rows_per_minute }: Manifest): ReceivedDay {
  return { date, firstUs: first_recv_us, lastUs: last_recv_us, rowsPerMinute: rows_per_minute };
}

/** An archive and segments that came after it. */
function joined(archived: ReceivedDay, late: ReceivedDay | null): ReceivedDay {
  if (late === null) return archived;
  const { rowsPerMinute } = late;
  return {
    date: archived.date,
    firstUs: Math.min(archived.firstUs, late.firstUs),
    lastUs: Math.max(archived.lastUs, late.lastUs),
    rowsPerMinute:
      rowsPerMinute === null
        ? archived.rowsPerMinute
        : (archived.rowsPerMinute?.map((count, minute) => count + (rowsPerMinute[minute] ?? 0)) ?? null),
  };
}
