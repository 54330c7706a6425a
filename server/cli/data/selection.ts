import { basename, dirname, join, resolve } from "node:path";
import { openGapReader } from "../../catalogue/tables/gap-queries.ts";
import { symbols as symbolList } from "../../config/values.ts";
import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import { type Day, dateStartUs, dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { depthSnapshot, exchangeInfo, streamTypeNames } from "../../domain/stream.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import { readJournal } from "../../journal/journal.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { codeOf, messageOf, OperatorError } from "../../platform/errors.ts";
import { existsSync, statSync } from "../../platform/files/files.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import { formatTime, type TimeZone } from "../../platform/time/time-parser.ts";
import { findRecordedStreams, type RecordedStream } from "../../storage/list/listing.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import type { Flag, Flags } from "../framework/command.ts";
import { dataDirOf, settingFlags } from "../framework/config-flags.ts";
import { rangeFlags, readFlag, readRange } from "./time-range.ts";

/** The part of a data folder that a command reads. */
export type Selection = {
  readonly dataDir: string;
  /** Folder names; null for all. */
  readonly streams: readonly string[] | null;
  readonly symbols: readonly string[] | null;
  /** -Infinity or Infinity for an open end. */
  readonly range: TimeSpan;
  readonly zone: TimeZone;
};

/** A stream with the days and files of the range, and whether it has earlier or later days. */
export type SelectedStream = RecordedStream & { readonly hasEarlier: boolean; readonly hasLater: boolean };

/** Flags of all reading commands. */
export const selectionFlags: Readonly<Record<string, Flag>> = {
  stream: { value: "A,B,…", help: "only these streams, such as depth20 or aggTrade (default all recorded)" },
  symbol: { value: "A,B,…", help: "only these symbols, such as BTCUSDT (default all recorded)" },
  ...rangeFlags,
  local: { value: null, help: "read times without an offset as local time, and show local times" },
  "data-dir": { value: "DIR", help: "the data folder (default record.data_dir of the config, else ./data)" },
  config: settingFlags.config as Flag,
};

/** Parses the flags. @throws OperatorError that lists all problems and the accepted values */
export function selectionOf(flags: Flags): Selection {
  const problems: string[] = [];
  const zone: TimeZone = flags.local === undefined ? "utc" : "local";
  const { streams, symbols, range } = readSelection(flags, problems, { stream: "stream", symbol: "symbol", zone });
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  return {
    dataDir: resolve(dataDirOf(flags)),
    streams: streams?.map((name) => name.replace(/@.*$/, "")) ?? null,
    symbols,
    range: { fromUs: range.fromUs ?? Number.NEGATIVE_INFINITY, toUs: range.toUs ?? Number.POSITIVE_INFINITY },
    zone,
  };
}

/** Parses the flags that choose streams, symbols and a range. Adds problems to `problems`. */
export function readSelection(
  flags: Flags,
  problems: string[],
  names: { stream: string; symbol: string; zone: TimeZone },
): {
  streams: readonly string[] | null;
  symbols: readonly string[] | null;
  range: { fromUs: number | null; toUs: number | null };
} {
  const read = <T>(name: string, parse: (text: string) => T | null, accepted: string) =>
    readFlag(flags, problems, name, parse, accepted);
  const range = readRange(flags, problems, names.zone);
  const accepted = `some of ${streamTypeNames.join(", ")}, with or without their speed`;
  return {
    symbols: read(names.symbol, parseSymbols, "symbols such as BTCUSDT,ETHUSDT"),
    streams: read(names.stream, (text) => parseStreams(text, names.stream), accepted),
    range,
  };
}

/** Returns the selected streams that hold market data. Facts about symbols (`exchangeInfo`) are read only if they are named. */
export function selectRecords(selection: Selection): readonly SelectedStream[] {
  const selected = selectStreams(selection);
  if (selection.streams !== null) return selected;
  const records = selected.filter(({ stream }) => !streamKinds[stream.type.kind].isFacts);
  return records.length > 0 ? records : selected;
}

/**
 * Returns the selected streams, with the days and files that may contain records of the range.
 * @throws OperatorError if there are none; it lists the recorded streams
 */
export function selectStreams(selection: Selection): readonly SelectedStream[] {
  const { dataDir, streams, symbols, range } = selection;
  requireFolder(dataDir);
  const all = findRecordedStreams(dataDir);
  const wanted = all
    .filter(({ stream }) => streams?.includes(stream.type.folder) ?? true)
    .filter(({ stream }) => symbols?.includes(stream.symbol) ?? true)
    .map((track) => ({
      ...track,
      hasEarlier: track.days.some(({ date }) => dateStartUs(date) + dayUs <= range.fromUs),
      hasLater: track.days.some(({ date }) => dateStartUs(date) >= range.toUs),
      days: track.days.filter(({ date }) => isWithin(date, range)),
      files: track.files.filter(({ date }) => date === null || isWithin(date, range)),
    }))
    .filter(({ days, files }) => days.length + files.length > 0);
  if (wanted.length === 0) throw noMatch(selection, all);
  return wanted;
}

/**
 * Checks that the files lie in `archive/` or `live/` of the data folder, where manifests, segments and gap lists are looked for.
 * @throws OperatorError if all of them lie elsewhere; it names the folder to give, or what to create
 */
export function requireLayout(dataDir: string, tracks: readonly SelectedStream[]): void {
  const paths = tracks.flatMap(({ files }) => files.map(({ path }) => path));
  const isInPlace = (path: string) =>
    ["archive", "live"].some((part) => path.startsWith(join(dataDir, part, "stream=")));
  const [stray] = paths;
  if (stray === undefined || paths.some(isInPlace)) return;
  const holder = stray.slice(0, stray.indexOf("/stream="));
  const remedy = ["archive", "live"].includes(basename(holder))
    ? `give ${dirname(holder)} by --data-dir`
    : `move them into ${join(holder, "archive")}, and give ${holder} by --data-dir`;
  throw new OperatorError(`the records below ${holder} are not in archive/ or live/ of ${dataDir}; ${remedy}`);
}

/** Returns an upper bound for the end of the selected records, µs, for the progress line. */
export function endOfReading(tracks: readonly RecordedStream[], range: TimeSpan): number {
  const dates = tracks.flatMap(({ files }) => files.map(({ date }) => date ?? ""));
  const lastUs = dates.reduce((last, date) => Math.max(last, dateStartUs(date) + dayUs), 0);
  return Math.min(range.toUs, lastUs, Date.now() * 1000);
}

function isWithin(date: string, { fromUs, toUs }: TimeSpan): boolean {
  const startUs = dateStartUs(date);
  return startUs < toUs && startUs + dayUs > fromUs;
}

/** @throws OperatorError unless the data folder is a folder that can be found */
export function requireFolder(dataDir: string): void {
  let problem = "is a file, not a folder";
  try {
    if (statSync(dataDir).isDirectory()) return;
  } catch (error) {
    problem = codeOf(error) === "ENOENT" ? "does not exist" : `cannot be read: ${reasonOf(error)}`;
  }
  const hint = existsSync("demo-data") ? " (the demo uses ./demo-data)" : "";
  throw new OperatorError(`the data folder ${dataDir} ${problem}; give a folder by --data-dir or --config${hint}`);
}

function noMatch({ dataDir, streams, symbols, range, zone }: Selection, all: readonly RecordedStream[]) {
  if (all.length === 0) return new OperatorError(`no records in ${dataDir}; give another folder by --data-dir`);
  const known = {
    streams: [...new Set(all.map(({ stream }) => stream.type.folder))],
    symbols: [...new Set(all.map(({ stream }) => stream.symbol))],
    dates: all.flatMap(({ days }) => days.map(({ date }) => date)).sort(),
  };
  const suggestion = [
    ...(streams ?? []).filter((name) => !known.streams.includes(name)).map((name) => didYouMean(name, known.streams)),
    ...(symbols ?? []).filter((name) => !known.symbols.includes(name)).map((name) => didYouMean(name, known.symbols)),
  ].join("");
  const asked = [
    streams === null ? "" : ` of ${streams.join(", ")}`,
    symbols === null ? "" : ` of ${symbols.join(", ")}`,
    range.fromUs === Number.NEGATIVE_INFINITY ? "" : ` from ${formatTime(range.fromUs, zone)}`,
    range.toUs === Number.POSITIVE_INFINITY ? "" : ` before ${formatTime(range.toUs, zone)}`,
  ].join("");
  return new OperatorError(
    `no records in ${dataDir}${asked}${suggestion}. Recorded: ${known.dates[0]} to ${known.dates.at(-1)}: ${known.symbols.join(", ")} (${known.streams.join(", ")})`,
  );
}

function parseSymbols(text: string): readonly string[] | null {
  const parsed = symbolList.parse(text);
  return parsed.ok ? parsed.value : null;
}

function parseStreams(text: string, flag: string): readonly string[] | null {
  const names = text.split(",").map((name) => name.trim());
  const folders = [
    ...streamTypeNames,
    ...streamTypeNames.map((name) => name.replace(/@.*$/, "")),
    ...[depthSnapshot.name, exchangeInfo.name],
  ];
  const unknown = names.find((name) => !folders.includes(name) && !/^kline_\w+$/.test(name));
  if (unknown === undefined) return names;
  const suggestion = didYouMean(unknown, folders);
  if (suggestion === "") return null;
  throw new OperatorError(`--${flag} "${text}": unknown stream "${unknown}"${suggestion}`);
}

/**
 * Opens the recorder's gap lists, if the data folder has them: the catalogue's and the journal's. The journal gets each gap first and is
 * readable without a lock. `onUnreadable` gets the reason if neither can be read.
 */
export function openGapList(dataDir: string, onUnreadable: (reason: string) => void): GapsOf {
  if (!existsSync(dataDir)) return () => null;
  const journal = readJournal(dataDir);
  let list: ReturnType<typeof openGapReader> = null;
  try {
    list = openGapReader(dataDir);
  } catch (error) {
    if (journal === null) onUnreadable(messageOf(error));
  }
  let isReported = journal !== null;

  function gapsInCatalogue(day: Day): readonly Gap[] | null {
    try {
      return list?.gapsOf(day) ?? null;
    } catch (error) {
      if (!isReported) onUnreadable(messageOf(error));
      isReported = true;
      return null;
    }
  }

  return (day) => {
    const known = gapsInCatalogue(day);
    if (journal === null) return known;
    const gaps = new Map((known ?? []).map((gap) => [gap.from_us, gap]));
    for (const gap of journal.gapsOf(day)) gaps.set(gap.from_us, gap);
    return [...gaps.values()].sort((a, b) => a.from_us - b.from_us);
  };
}
