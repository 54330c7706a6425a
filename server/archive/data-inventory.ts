import type { ReceivedDay } from "../domain/coverage/coverage.ts";
import { archivePath, type Day, segmentOfPath } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { Stream } from "../domain/stream.ts";
import { statSync } from "../platform/files/files.ts";
import { reasonOf } from "../platform/system-errors.ts";
import type { RecordedFile } from "../storage/list/day-files.ts";
import { receivedOf } from "../storage/list/first-record.ts";
import { isInvented, latestDate } from "../storage/list/invented-day.ts";
import { filesOfDay, isArchiveLost, type RecordedStream, streamsOfDay } from "../storage/list/listing.ts";
import { readWhileMoving } from "../storage/list/moving-files.ts";
import { type GapsOf, gapsOfDays } from "../storage/recorded-gaps.ts";
import { verifyArchive } from "./verify/verify-archive.ts";
import { verifySegments } from "./verify/verify-segments.ts";

/**
 * The files of one day of a stream in a data folder. "verified": an archive with a manifest, and of the size that the manifest
 * states. "live": segments only. "absent": no files. "unverified": anything else; `problem` gives the reason.
 */
export type InventoryDay = Day & {
  readonly state: "verified" | "live" | "unverified" | "absent";
  /** Number of records; null if they were not counted. */
  readonly rows: number | null;
  /** Size on disk. */
  readonly bytes: number;
  /** When records were received; null if there are no records or they were not read. */
  readonly received: ReceivedDay | null;
  readonly problem: string | null;
};

/** All recorded days of one stream. */
export type InventoryStream = {
  readonly stream: Stream;
  readonly days: readonly InventoryDay[];
  /** Days that exist only because a clock was wrong; they are not in `days`. */
  readonly invented: readonly InventoryDay[];
  /** Gaps from the first to the last of these days; gaps over midnight are joined. */
  readonly gaps: readonly Gap[];
};

export type InventoryOptions = {
  readonly dataDir: string;
  /** Reads only the first and last segments of live days; their rows and minutes are not counted. */
  readonly quick: boolean;
  readonly onProgress?: (share: number, path: string) => void;
};

/** Lists all recorded days. Reads manifests instead of archives; reads every segment unless `quick` is set. */
export async function takeInventory(
  streams: readonly RecordedStream[],
  gapsOf: GapsOf,
  options: InventoryOptions,
): Promise<InventoryStream[]> {
  const inventory: InventoryStream[] = [];
  const total = streams.reduce((sum, { days }) => sum + days.length, 0);
  const today = latestDate(Date.now());
  let done = 0;
  for (const { stream, days } of streams) {
    if (days.length === 0) continue;
    const inventoryDays: InventoryDay[] = [];
    for (const { date } of days) {
      const day = { stream: stream.type.folder, symbol: stream.symbol, date };
      options.onProgress?.(done++ / total, `${day.stream} ${day.symbol} ${day.date}`);
      const examined = await examineDay(day, options);
      if (examined !== null) inventoryDays.push(examined);
    }
    if (inventoryDays.length === 0) continue;
    const { gaps } = gapsOfDays(days, gapsOf);
    const [invented, real] = partition(inventoryDays, (day) => isInvented(day, gaps, today));
    inventory.push({ stream, days: real, invented, gaps });
  }
  return inventory;
}

function partition<T>(items: readonly T[], matches: (item: T) => boolean): readonly [T[], T[]] {
  return [items.filter(matches), items.filter((item) => !matches(item))];
}

/** Examines a day. Starts again if a recorder seals or merges files meanwhile. Null if the day has no files. */
async function examineDay(day: Day, options: InventoryOptions): Promise<InventoryDay | null> {
  try {
    return await readWhileMoving(
      () => filesOfDay(options.dataDir, day),
      () => examineOnce(day, options),
    );
  } catch (error) {
    return { ...day, state: "unverified", rows: null, bytes: 0, received: null, problem: reasonOf(error) };
  }
}

async function examineOnce(day: Day, options: InventoryOptions): Promise<InventoryDay | null> {
  const files = streamsOfDay(options.dataDir, day).flatMap((recorded) => recorded.files);
  const bytes = files.reduce((sum, { path }) => sum + statSync(path).size, 0);
  const segments = files.filter(({ path }) => segmentOfPath(path) !== null);
  if (segments.length === files.length && isArchiveLost(options.dataDir, day)) {
    return {
      ...day,
      state: "unverified",
      rows: null,
      bytes,
      received: null,
      problem: "the archive is missing, but its manifest exists",
    };
  }
  if (files.length === 0) return null;
  if (segments.length === files.length) return { ...day, bytes, ...(await examineSegments(day, segments, options)) };
  // The judgement of `verify --quick`, so that a day is damaged for both or for neither.
  const archive = await verifyArchive(options.dataDir, day, () => {}, { quick: true });
  const found = archive.kind === "ok" ? [] : archive.problems.map(({ detail }) => detail);
  // An archive that has vanished since the listing makes this throw, and the day is read again.
  if (found.length > 0) statSync(archivePath(options.dataDir, day));
  const { manifest } = archive;
  if (manifest === null)
    return { ...day, state: "unverified", rows: null, bytes, received: null, problem: found.join("; ") };
  const late = await examineSegments(day, segments, options);
  const problem = [...found, ...(late.problem === null ? [] : [late.problem])].join("; ") || null;
  const rows = late.rows === null ? null : manifest.rows + late.rows;
  const received = joined(receivedOf(manifest), late.received);
  return { ...day, state: problem === null ? "verified" : "unverified", rows, bytes, received, problem };
}

type ExaminedSegments = Pick<InventoryDay, "state" | "rows" | "received" | "problem">;

async function examineSegments(
  day: Day,
  files: readonly RecordedFile[],
  options: InventoryOptions,
): Promise<ExaminedSegments> {
  // Files of the same window overlap; each of them may contain the first or the last record.
  const endsUs = [files[0]?.startUs, files.at(-1)?.startUs];
  const scanned = options.quick ? files.filter(({ startUs }) => endsUs.includes(startUs)) : files;
  const verified = await verifySegments(
    day,
    scanned.map(({ path }) => path),
    {},
  );
  const isWhole = scanned.length === files.length;
  const received = verified.received && { ...verified.received, ...(isWhole ? {} : { rowsPerMinute: null }) };
  const problem = verified.problems.length === 0 ? null : verified.problems.map(({ detail }) => detail).join("; ");
  return { state: problem === null ? "live" : "unverified", rows: isWhole ? verified.rows : null, received, problem };
}

/** Joins an archive's records with the records of segments that were written after its merge. */
function joined(archived: ReceivedDay, late: ReceivedDay | null): ReceivedDay {
  if (late === null) return archived;
  const { rowsPerMinute } = late;
  return {
    date: archived.date,
    sinceUs: archived.sinceUs ?? null,
    firstUs: Math.min(archived.firstUs, late.firstUs),
    lastUs: Math.max(archived.lastUs, late.lastUs),
    rowsPerMinute:
      rowsPerMinute === null
        ? archived.rowsPerMinute
        : (archived.rowsPerMinute?.map((count, minute) => count + (rowsPerMinute[minute] ?? 0)) ?? null),
  };
}
