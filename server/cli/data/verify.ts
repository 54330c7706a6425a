import { type VerifiedDay, verifyStream } from "../../archive/verify/verify-stream.ts";
import { dateOf, dayUs } from "../../domain/day.ts";
import { foldersOf, isContiguous } from "../../domain/stream-kinds.ts";
import { OperatorError } from "../../platform/errors.ts";
import { statSync } from "../../platform/files/files.ts";
import { parseInstant } from "../../platform/time/time-parser.ts";
import type { Command, Flags } from "../framework/command.ts";
import { createProgress } from "../terminal/progress.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import {
  openGapList,
  requireLayout,
  type SelectedStream,
  selectionFlags,
  selectionOf,
  selectStreams,
} from "./selection.ts";
import { type BookDay, bookJson, booksText, isUncontradicted, proveSelected } from "./verify-books.ts";
import { compareWithOfficial, isProved, type OfficialDay, officialJson, officialText } from "./verify-official.ts";
import { clipDay, isComplete, reportText, verifiedJson } from "./verify-report.ts";

/** `rt-data verify` */
export const verify: Command = {
  name: "verify",
  summary: "check archives and segments against their manifests, and report gaps",
  flags: {
    ...selectionFlags,
    date: { value: "DATE", help: "only this UTC day, instead of --from and --to" },
    books: {
      value: null,
      help: "rebuild the books from REST books and diffs, and compare them with every book that was recorded",
    },
    official: { value: null, help: "compare every trade with the daily files that Binance publishes (downloads them)" },
    quick: { value: null, help: "check manifests, sizes and gaps only, without reading archives and segments" },
    "allow-gaps": { value: null, help: "exit code 0 unless a file is damaged, even if records are missing" },
    quiet: { value: null, help: "print only problems, for cron" },
    all: { value: null, help: "list every day, however many there are" },
    json: { value: null, help: "print JSON" },
  },
  examples: [
    ["rt-data verify --data-dir /srv/rt-data", "everything"],
    ["rt-data verify --from 2026-11-22 --to 2026-11-23 --symbol BTCUSDT", "a day of a symbol"],
    ["rt-data verify --books --symbol BTCUSDT --date yesterday", "also that the rebuilt books of a day are right"],
    ["rt-data verify --official --date yesterday", "yesterday, also against Binance's own files"],
    [
      "30 2 * * * rt-data verify --quiet --config /etc/rt-data/rt-data.toml",
      "every night by cron: mail only in case of problems",
    ],
  ],
  notes: [
    "A day is complete if all of these hold:",
    "- each archive matches its manifest byte for byte (checksums of both forms, rows, rows per minute, first and last record, delays), and",
    "  the manifest is unchanged; segments are readable to their end",
    "- recv_us never decreases, and ids rise",
    `- no id is missing or doubled in streams that the exchange numbers without a break (${foldersOf(isContiguous).join(", ")})`,
    "- there is no gap, no minute of a book without a record, and no day without a record; gaps that were completely backfilled, or in",
    "  which the exchange had halted the symbol, do not count",
    "Files are checked as a whole, also if a range (--from, --to, --last) cuts a day; gaps and time without records count within the range.",
    "Time before the first and after the last record is not checked. Ids that occur in two days are damage (id_doubled): a wrong clock has",
    "filed records under the wrong day. A day that comes from a wrong clock only is kept and named, but not checked for missing records.",
    "The summary comes first. A list of more than 20 entries is folded: 20 damaged days, 20 days with gaps, and the number of the others.",
    "--books rebuilds each day's book (depthSnapshot, depth) and compares it with depth20, depth10, depth5 and bookTicker of the same update id, and",
    "with the next REST book. A contradiction is named (stream, id, price, expected, found) and makes the exit code 1. It begins at the day's first",
    "REST book, and stops from missing update ids to the next REST book.",
    "--official downloads Binance's file of each day and stream of trades from official.url, checks it, and compares every id and value.",
    "Differences are reported as differences: Binance replaces files and publishes incomplete ones. It publishes no order books. A day that",
    "cannot be compared (not published yet, not reachable) makes the exit code 1.",
    "Exit codes: 0 complete, 1 not complete, 2 a flag is invalid or there are no records.",
  ],
  async run(flags, terminal) {
    const selection = selectionOf(withDate(flags));
    const tracks = selectStreams(selection);
    requireLayout(selection.dataDir, tracks);
    const progress = createProgress(terminal);
    const warn = (line: string) => {
      progress.clear();
      process.stderr.write(`rt-data: ${line}\n`);
    };
    const gapsOf = openGapList(selection.dataDir, (reason) => warn(`${reason}; gaps of live days are unknown`));
    const output = createStandardOutput(terminal.stop);
    const isText = flags.json === undefined;
    const total = tracks.reduce((sum, { files }) => sum + bytesOf(files), 0);
    const days: VerifiedDay[] = [];
    const fails = (day: VerifiedDay) =>
      day.problems.length > 0 || (flags["allow-gaps"] === undefined && !isComplete(day));
    const report = () =>
      reportText(days, {
        zone: selection.zone,
        isShown: (day) => flags.quiet === undefined || fails(day),
        isFolded: flags.all === undefined,
        range: selection.range,
      });
    let read = 0;
    for (const track of tracks) {
      if (track.days.length === 0) continue;
      const streamDays = await verifyStream(track, gapsOf, {
        dataDir: selection.dataDir,
        quick: flags.quick !== undefined,
        onProgress(bytes, day) {
          read += bytes;
          progress.update(read / total, `${day.stream} ${day.symbol} ${day.date}`);
          if (terminal.stop.aborted) throw new Error("verify was stopped");
        },
      });
      if (terminal.stop.aborted) break;
      days.push(...streamDays.map((day) => clipDay(day, selection.range)));
    }
    progress.clear();
    if (terminal.stop.aborted) {
      if (isText && days.length > 0) terminal.print(report().trimEnd());
      throw new Error("verify was stopped before it had finished; streams that it had not read are not in its report");
    }
    let official: readonly OfficialDay[] | null = null;
    if (flags.official !== undefined) {
      official = await compareWithOfficial(
        flags,
        { dataDir: selection.dataDir, tracks },
        {
          stop: terminal.stop,
          onProgress: progress.update,
        },
      );
      progress.clear();
    }
    let books: readonly BookDay[] | null = null;
    if (flags.books !== undefined) {
      const asked = { dataDir: selection.dataDir, tracks };
      books = await proveSelected(asked, { stop: terminal.stop, onProgress: progress.update });
      progress.clear();
    }
    const isContradicted = !(books ?? []).every(isUncontradicted);
    const isUnproved = (official ?? []).some((day) => !isProved(day));
    const failed = days.some(fails) || isUnproved || isContradicted;
    if (!isText) {
      const whole = { complete: days.every(isComplete), days: days.map(verifiedJson) };
      const compared = official === null ? {} : { official: official.map(officialJson) };
      const proved = books === null ? {} : { books: books.map(bookJson) };
      await output.write(`${JSON.stringify({ ...whole, ...proved, ...compared }, null, 2)}\n`);
    } else if (flags.quiet === undefined || failed) {
      await output.write(report());
      if (books !== null)
        await output.write(`\n${booksText(books, (day) => flags.quiet === undefined || !isUncontradicted(day))}`);
      if (official !== null)
        await output.write(`\n${officialText(official, (day) => flags.quiet === undefined || !isProved(day))}`);
    }
    return failed ? 1 : 0;
  },
};

/** Replaces --date by --from and --to. @throws OperatorError if both are given, or it is no date */
function withDate(flags: Flags): Flags {
  const { date, ...others } = flags;
  if (date === undefined) return flags;
  const given = (["from", "to", "last"] as const).find((name) => flags[name] !== undefined);
  if (given !== undefined) throw new OperatorError(`--date and --${given} exclude each other`);
  const us = /^(\d{4}-\d\d-\d\d|today|yesterday)$/.test(date) ? parseInstant(date, Date.now() * 1000, "utc") : null;
  if (us === null)
    throw new OperatorError(`--date "${date}" is not accepted; give a date such as 2026-11-22, today or yesterday`);
  return { ...others, from: dateOf(us), to: dateOf(us + dayUs) };
}

function bytesOf(files: SelectedStream["files"]): number {
  return files.reduce((sum, { path }) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}
