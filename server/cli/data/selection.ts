import { resolve } from "node:path";
import { openGapReader } from "../../catalogue/tables/gap-queries.ts";
import { symbols as symbolList } from "../../config/values.ts";
import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import { type Day, dateStartUs, dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { depthSnapshot, streamTypeNames } from "../../domain/stream.ts";
import { readJournal } from "../../journal/journal.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import { existsSync, statSync } from "../../platform/files/files.ts";
import { acceptedTimes, formatTime, parseTime, type TimeZone } from "../../platform/time/time-parser.ts";
import { findRecordedStreams, type RecordedStream } from "../../storage/list/listing.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import type { Flag, Flags } from "../framework/command.ts";
import { dataDirOf, settingFlags } from "../framework/config-flags.ts";

/** What of a data folder a reading command was asked for. */
export type Selection = {
  readonly dataDir: string;
  /** Folder names; null for all. */
  readonly streams: readonly string[] | null;
  readonly symbols: readonly string[] | null;
  /** -Infinity and Infinity where an end is open. */
  readonly range: TimeSpan;
  readonly zone: TimeZone;
};

/** A track of which only the days and files of the range are left, and whether it has others. */
export type SelectedStream = RecordedStream & { readonly hasEarlier: boolean; readonly hasLater: boolean };

/** Flags of all reading commands. */
export const selectionFlags: Readonly<Record<string, Flag>> = {
  stream: { value: "A,B,…", help: "only these, such as depth20 or aggTrade (default all that were recorded)" },
  symbol: { value: "A,B,…", help: "only these, such as BTCUSDT (default all that were recorded)" },
  from: { value: "TIME", help: "first moment, UTC unless it has an offset: 2026-11-22, 2026-11-22T15:04, …+09:00" },
  to: { value: "TIME", help: "end, exclusive; a date is its first moment" },
  local: { value: null, help: "times without an offset are local ones, and times are shown as such" },
  "data-dir": { value: "DIR", help: "the data folder (default record.data_dir of the config, else ./data)" },
  config: settingFlags.config as Flag,
};

/** Reads the flags; throws an OperatorError that lists everything that is wrong with them and what is accepted. */
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

/** The flags that choose streams, symbols and a range; what is wrong with them goes into `problems`. */
export function readSelection(
  flags: Flags,
  problems: string[],
  names: { stream: string; symbol: string; zone: TimeZone },
): {
  streams: readonly string[] | null;
  symbols: readonly string[] | null;
  range: { fromUs: number | null; toUs: number | null };
} {
  function read<T>(name: string, parse: (text: string) => T | null, accepted: string): T | null {
    const text = flags[name];
    if (text === undefined) return null;
    const value = parse(text);
    if (value === null) problems.push(`--${name} "${text}" is not accepted; give ${accepted}`);
    return value;
  }

  const instant = (text: string) => parseTime(text, names.zone);
  const range = { fromUs: read("from", instant, acceptedTimes), toUs: read("to", instant, acceptedTimes) };
  if (range.fromUs !== null && range.toUs !== null && range.fromUs >= range.toUs) {
    const day = /^\d{4}-\d\d-\d\d$/.test(flags.to ?? "") ? " (a date is its first moment: give the day after)" : "";
    problems.push(`--to "${flags.to}" is not after --from "${flags.from}", and --to is exclusive${day}`);
  }
  const accepted = `names out of ${streamTypeNames.join(", ")}, with or without their speed`;
  return {
    symbols: read(names.symbol, parseSymbols, "symbols such as BTCUSDT,ETHUSDT"),
    streams: read(names.stream, (text) => parseStreams(text, names.stream), accepted),
    range,
  };
}

/**
 * The tracks of what was selected, with the days and files that may hold something of the range. Throws an OperatorError if
 * there is nothing; it says what is recorded instead.
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
  if (wanted.length === 0) throw nothingThere(selection, all);
  return wanted;
}

/** When what is read of these tracks ends at the latest, µs: for telling how far it is. */
export function endOfReading(tracks: readonly RecordedStream[], range: TimeSpan): number {
  const dates = tracks.flatMap(({ files }) => files.map(({ date }) => date ?? ""));
  const lastUs = dates.reduce((last, date) => Math.max(last, dateStartUs(date) + dayUs), 0);
  return Math.min(range.toUs, lastUs, Date.now() * 1000);
}

function isWithin(date: string, { fromUs, toUs }: TimeSpan): boolean {
  const startUs = dateStartUs(date);
  return startUs < toUs && startUs + dayUs > fromUs;
}

function requireFolder(dataDir: string): void {
  if (statSync(dataDir, { throwIfNoEntry: false })?.isDirectory()) return;
  const hint = existsSync("demo-data") ? " (the demo's is ./demo-data)" : "";
  throw new OperatorError(`there is no data folder ${dataDir}; give one by --data-dir or --config${hint}`);
}

function nothingThere({ dataDir, streams, symbols, range, zone }: Selection, all: readonly RecordedStream[]) {
  if (all.length === 0)
    return new OperatorError(`nothing is recorded in ${dataDir}; give another folder by --data-dir`);
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
    `nothing is recorded in ${dataDir}${asked}${suggestion}. Recorded are ${known.dates[0]} to ${known.dates.at(-1)}: ${known.symbols.join(", ")} (${known.streams.join(", ")})`,
  );
}

function parseSymbols(text: string): readonly string[] | null {
  const parsed = symbolList(text);
  return parsed.ok ? parsed.value : null;
}

function parseStreams(text: string, flag: string): readonly string[] | null {
  const names = text.split(",").map((name) => name.trim());
  const folders = [...streamTypeNames, ...streamTypeNames.map((name) => name.replace(/@.*$/, "")), depthSnapshot.name];
  const unknown = names.find((name) => !folders.includes(name) && !/^kline_\w+$/.test(name));
  if (unknown === undefined) return names;
  const suggestion = didYouMean(unknown, folders);
  if (suggestion === "") return null;
  throw new OperatorError(`--${flag} "${text}": there is no stream "${unknown}"${suggestion}`);
}

/**
 * The recorder's own gap list, where the data folder has one: the catalogue's, and the journal's, which knows of every gap first and
 * needs no other program's leave. `onUnreadable` hears why where neither can be read.
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
  let isTold = journal !== null;

  function inCatalogue(day: Day): readonly Gap[] | null {
    try {
      return list?.gapsOf(day) ?? null;
    } catch (error) {
      if (!isTold) onUnreadable(messageOf(error));
      isTold = true;
      return null;
    }
  }

  return (day) => {
    const known = inCatalogue(day);
    if (journal === null) return known;
    const gaps = new Map((known ?? []).map((gap) => [gap.from_us, gap]));
    for (const gap of journal.gapsOf(day)) gaps.set(gap.from_us, gap);
    return [...gaps.values()].sort((a, b) => a.from_us - b.from_us);
  };
}
