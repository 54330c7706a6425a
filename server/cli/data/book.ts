import { resolve } from "node:path";
import type { BookAtInstant } from "../../domain/book/book-at-instant.ts";
import { parseSymbol } from "../../domain/stream.ts";
import { foldersOf, hasLevels } from "../../domain/stream-kinds.ts";
import { OperatorError } from "../../platform/errors.ts";
import { acceptedInstants, formatTime, parseInstant, type TimeZone } from "../../platform/time/time-parser.ts";
import { bookAt } from "../../storage/book/book-at.ts";
import { datesOnDisk } from "../../storage/list/listing.ts";
import { createSourceCheck } from "../../storage/read/source-check.ts";
import type { Command, Flags } from "../framework/command.ts";
import { dataDirOf } from "../framework/config-flags.ts";
import { createProgress } from "../terminal/progress.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { openGapList, requireFolder, selectionFlags, selectStreams } from "./selection.ts";
import { readFlag } from "./time-range.ts";

/** Most levels a side. */
const mostLevels = 5000;

/** `rt-data book` */
export const book: Command = {
  name: "book",
  summary: "print the order book of a symbol at an instant",
  flags: {
    symbol: { value: "SYMBOL", help: "the symbol, such as BTCUSDT" },
    at: { value: "TIME", help: "the instant: 2026-11-22T15:04:05.250, …+09:00, now, -5m (UTC by default)" },
    depth: { value: "N", help: `levels a side, 1 to ${mostLevels} (default 20)` },
    ...pick("local", "data-dir", "config"),
    json: { value: null, help: "print JSON" },
  },
  examples: [
    ["rt-data book --symbol BTCUSDT --at 2026-11-22T15:04:05.250", "the best 20 levels at that instant"],
    ["rt-data book --symbol BTCUSDT --at -5m --depth 1000 --json | jq .bids[0]", "the best bid five minutes ago"],
  ],
  notes: [
    "The book is rebuilt from the last REST book (depthSnapshot) before the instant and the diffs (depth) received since. Without them it is the",
    "nearest partial book before the instant (depth20, depth10, depth5), at most 60 s old. The output says which, its update id, and its age: the",
    "time from the receipt of its newest record to the instant. In a gap, or where update ids are missing, there is no book until the next REST",
    "book; the output then says why, and when the nearest book before it was received. Archives, segments and the open segment are read.",
    "Exit codes: 0 a book, 1 no book at that instant, or a damaged file; 2 a flag is invalid or the symbol has no records of books.",
  ],
  async run(flags, terminal) {
    const { symbol, atUs, depth, zone } = requestOf(flags);
    const dataDir = resolve(dataDirOf(flags));
    requireFolder(dataDir);
    const folders = foldersOf(hasLevels);
    if (folders.every((stream) => datesOnDisk(dataDir, { stream, symbol }).length === 0)) {
      const range = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };
      selectStreams({ dataDir, streams: null, symbols: [symbol], range, zone });
    }
    const progress = createProgress(terminal);
    const damagedFiles = new Set<string>();
    const warn = (line: string) => {
      progress.clear();
      process.stderr.write(`rt-data: ${line}\n`);
    };
    progress.update(0, `${symbol} ${formatTime(atUs, zone)}`);
    const answer = await bookAt(
      { dataDir, symbol, atUs, depth },
      {
        gapsOf: openGapList(dataDir, (reason) => warn(`${reason}; gaps of live days are unknown`)),
        check: createSourceCheck(terminal.stop),
        onDamage(path, problem) {
          if (terminal.stop.aborted) return;
          if (!damagedFiles.has(path)) warn(`${path}: ${problem}`);
          damagedFiles.add(path);
        },
      },
    );
    progress.clear();
    if (terminal.stop.aborted) throw new Error("reading the book was stopped");
    const text = flags.json === undefined ? bookText(answer, zone) : `${JSON.stringify(answer, null, 2)}\n`;
    await createStandardOutput(terminal.stop).write(text);
    return answer.source === null || damagedFiles.size > 0 ? 1 : 0;
  },
};

function pick(...names: readonly string[]): Command["flags"] {
  return Object.fromEntries(Object.entries(selectionFlags).filter(([name]) => names.includes(name)));
}

function requestOf(flags: Flags) {
  const problems: string[] = [];
  const zone: TimeZone = flags.local === undefined ? "utc" : "local";
  if (flags.symbol === undefined) problems.push("--symbol is missing; give a symbol such as BTCUSDT");
  if (flags.at === undefined) problems.push(`--at is missing; give ${acceptedInstants}`);
  const symbol = readFlag(flags, problems, "symbol", parseSymbol, "one symbol such as BTCUSDT");
  const atUs = readFlag(flags, problems, "at", (text) => parseInstant(text, Date.now() * 1000, zone), acceptedInstants);
  const depth = readFlag(flags, problems, "depth", depthOf, `a whole number from 1 to ${mostLevels}`) ?? 20;
  if (symbol === null || atUs === null || problems.length > 0) throw new OperatorError(problems.join("\n"));
  return { symbol, atUs, depth, zone };
}

function depthOf(text: string): number | null {
  const depth = /^\d+$/.test(text) ? Number(text) : 0;
  return depth >= 1 && depth <= mostLevels ? depth : null;
}

function bookText(answer: BookAtInstant, zone: TimeZone): string {
  const { symbol, at_us, source, bids, asks } = answer;
  const head = `${symbol} at ${formatTime(at_us, zone)}`;
  if (source === null) return `${head}: no book\n${noBookText(answer, zone)}\n`;
  const columns: Column[] = ["BID SIZE", "BID", "ASK", "ASK SIZE"].map((heading) => {
    return { heading, align: "right", dropped: 0 };
  });
  const rows = Array.from({ length: Math.max(bids.length, asks.length) }, (_, n) => {
    const [bid, ask] = [bids[n], asks[n]];
    return [bid?.[1] ?? "", bid?.[0] ?? "", ask?.[0] ?? "", ask?.[1] ?? ""];
  });
  return `${[head, sourceText(answer, zone), "", ...tableLines(columns, rows, Number.POSITIVE_INFINITY)].join("\n")}\n`;
}

function sourceText({ source, rest_book, last_update_id, age_ms }: BookAtInstant, zone: TimeZone): string {
  const from =
    rest_book === null
      ? `the nearest ${source} before it`
      : `rebuilt from the REST book of ${formatTime(rest_book.recv_us, zone)} and the diffs since`;
  return `${from}; update id ${last_update_id}, ${age_ms} ms old`;
}

function noBookText({ at_us, reason, gap, before }: BookAtInstant, zone: TimeZone): string {
  const time = (us: number) => formatTime(us, zone);
  const why = {
    gap:
      gap === null
        ? ""
        : `the instant lies in a gap: records are missing from ${time(gap.from_us)} to ${time(gap.to_us)} (${gap.cause})`,
    missing_ids: "update ids are missing around this instant, and no REST book had come since",
    no_rest_book: "diffs are recorded, but no REST book before this instant that they continue",
    silent: "the newest record is more than 60 s older, so the book may have changed since",
    not_recorded: "no order book of this symbol can be read on this day before the instant",
  }[reason ?? "not_recorded"];
  if (before === null) return why;
  const age = ((at_us - before.recv_us) / 1e6).toFixed(1);
  return `${why}\nthe nearest book before it: ${before.source} of ${time(before.recv_us)}, ${age} s earlier`;
}
