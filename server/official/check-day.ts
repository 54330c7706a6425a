import { join } from "node:path";
import type { Day } from "../domain/day.ts";
import type { IdRange } from "../domain/ids/id-ranges.ts";
import { messageOf } from "../platform/errors.ts";
import type { BandwidthLimit } from "../platform/fetch/bandwidth-limit.ts";
import { mkdirSync, rmSync } from "../platform/files/files.ts";
import { namesIn } from "../platform/files/names-in.ts";
import { type Downloaded, downloadOfficial, WriteError } from "./download.ts";
import { type OnMissing, passMissing } from "./missing-trades.ts";
import { type OfficialKind, type OfficialTrade, officialFile, officialKind, parseRow } from "./official-file.ts";
import { type DayTrades, readRecorded } from "./read-recorded.ts";
import { zippedLines } from "./zip-entry.ts";

/** The result of comparing a recorded day with Binance's file. */
export type OfficialCheck =
  | { readonly kind: "absent" }
  /** "not judged": the file could not be downloaded or read; the reason is in words. */
  | { readonly kind: "failed"; readonly reason: string; readonly isUnreachable: boolean }
  | ({ readonly kind: "compared" } & Comparison);

/** All counts are trades. */
export type Comparison = Downloaded & {
  readonly rows: number;
  readonly equal: number;
  /** In the file, but not recorded. */
  readonly missing: IdList;
  /** In both, with different values. */
  readonly differing: IdList;
  /** Recorded on this day, but not in the file: the file is incomplete. */
  readonly beyond: IdList;
  /** In the file, but from before the first or after the last record of the stream. */
  readonly notDue: number;
};

/** A number of ids, and the first ranges of them. */
export type IdList = { readonly count: number; readonly ranges: readonly IdRange[] };

export type CheckDayOptions = {
  readonly dataDir: string;
  readonly baseUrl: string;
  /** Folder for the downloaded file. It is created, and removed again once empty. */
  readonly folder: string;
  /** The stream has no earlier, or no later, day. Trades before its first or after its last record are not due. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly limit: BandwidthLimit;
  readonly signal: AbortSignal;
  /** Receives the missing trades, unless the file cannot be trusted: its CHECKSUM differs, or trades in it differ from recorded trades. */
  readonly onMissing?: OnMissing;
  /** Receives each step as it begins. */
  readonly onStep?: (step: "download" | "recording" | "comparison") => void;
};

/** Most ranges of ids that a result lists, and that are held during the comparison. */
const mostListed = 20;
const mostRanges = 10_000;

/**
 * Downloads Binance's file of a day and compares every trade with the recording, by id. Null if Binance publishes no files of the stream.
 * Rejects only if `signal` aborts or the disk refuses the downloaded file.
 */
export async function checkDay(day: Day, options: CheckDayOptions): Promise<OfficialCheck | null> {
  const kind = officialKind(day.stream);
  if (kind === null) return null;
  const { name, url } = officialFile(options.baseUrl, kind, day);
  const path = join(options.folder, `${name}.zip`);
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  try {
    options.onStep?.("download");
    const download = await downloadOfficial(url, path, options);
    if (download.kind !== "file") return download;
    options.onStep?.("recording");
    const recording = await readRecorded(day, kind, options);
    options.onStep?.("comparison");
    let found = await compare(kind, path, recording, options);
    // A wrong clock files trades under another day.
    if (found.missing.count > 0 && (await recording.addOtherDays(found.missing.ranges)))
      found = await compare(kind, path, recording, options);
    const { onMissing } = options;
    if (onMissing !== undefined && found.missing.count > 0 && isTrusted(download, found))
      await passMissing(kind, path, found.missing.ranges, { ...options, onMissing });
    const { sha256, bytes, checksum } = download;
    return { kind: "compared", ...{ sha256, bytes, checksum }, ...shortened(found) };
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof WriteError) throw error;
    return { kind: "failed", reason: messageOf(error), isUnreachable: false };
  } finally {
    rmSync(path, { force: true });
    if (namesIn(options.folder).length === 0) rmSync(options.folder, { recursive: true });
  }
}

async function compare(
  kind: OfficialKind,
  path: string,
  { trades, sinceUs }: DayTrades,
  { signal, isFirst, isLast }: CheckDayOptions,
): Promise<Omit<Comparison, keyof Downloaded>> {
  const recorded = trades.range();
  const isDue = ({ id, timeUs }: OfficialTrade) => {
    if (recorded === null) return !isFirst && !isLast;
    if (isFirst && id < recorded.first) return sinceUs !== null && timeUs > sinceUs;
    return !(isLast && id > recorded.last);
  };
  const counts = { rows: 0, equal: 0, notDue: 0 };
  const [missing, differing, beyond] = [createIdList(), createIdList(), createIdList()];
  for await (const lines of zippedLines(path)) {
    signal.throwIfAborted();
    for (const line of lines) {
      const row = parseRow(kind, line);
      if (row === null) continue;
      counts.rows++;
      const outcome = trades.compare(row.id, row.text, row);
      if (outcome === "equal") counts.equal++;
      else if (outcome === "differs") differing.add(row.id);
      else if (isDue(row)) missing.add(row.id);
      else counts.notDue++;
    }
  }
  if (counts.rows === 0) throw new Error("the file holds no trades");
  for (const id of trades.unasked()) beyond.add(id);
  return { ...counts, missing: missing.result(), differing: differing.result(), beyond: beyond.result() };
}

function isTrusted({ checksum }: Downloaded, { differing }: Pick<Comparison, "differing">): boolean {
  return checksum !== "stale" && differing.count === 0;
}

function shortened(found: Omit<Comparison, keyof Downloaded>): Omit<Comparison, keyof Downloaded> {
  const short = ({ count, ranges }: IdList) => ({ count, ranges: ranges.slice(0, mostListed) });
  return {
    ...found,
    ...{ missing: short(found.missing), differing: short(found.differing), beyond: short(found.beyond) },
  };
}

/** Collects ids in ascending order as ranges. Beyond a limit the last range grows over ids that were not added. */
function createIdList(): { add(id: number): void; result(): IdList } {
  const ranges: IdRange[] = [];
  let count = 0;
  return {
    add(id) {
      const last = ranges.at(-1);
      count++;
      if (last !== undefined && (id === last.last + 1 || ranges.length === mostRanges)) last.last = id;
      else ranges.push({ first: id, last: id });
    },
    result: () => ({ count, ranges }),
  };
}
