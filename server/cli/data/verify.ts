import { type VerifiedDay, verifyStream } from "../../archive/verify/verify-stream.ts";
import { foldersOf, isContiguous } from "../../domain/stream-kinds.ts";
import { statSync } from "../../platform/files/files.ts";
import type { Command } from "../framework/command.ts";
import { createProgress } from "../terminal/progress.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import { openGapList, type SelectedStream, selectionFlags, selectionOf, selectStreams } from "./selection.ts";
import { isComplete, reportLines, verifiedJson } from "./verify-report.ts";

/** `rt-data verify` */
export const verify: Command = {
  name: "verify",
  summary: "check archives and segments against what is stated of them, and report gaps",
  flags: {
    ...selectionFlags,
    quick: { value: null, help: "manifests, sizes and gaps only; reads no archive and no segment" },
    "allow-gaps": { value: null, help: "exit code 0 as long as nothing is damaged, whatever is missing" },
    quiet: { value: null, help: "print nothing if all is well, otherwise only what is not: for cron" },
    json: { value: null, help: "as JSON" },
  },
  examples: [
    ["rt-data verify --data-dir /srv/rt-data", "all of it"],
    ["rt-data verify --from 2026-11-22 --to 2026-11-23 --symbol BTCUSDT", "one day of one symbol"],
    [
      "30 2 * * * rt-data verify --quiet --config /etc/rt-data/rt-data.toml",
      "every night, by cron: mail only if need be",
    ],
  ],
  notes: [
    "Complete means: every archive is, byte for byte, what its manifest states (checksums of both forms, rows, rows a minute, first and last",
    "record, delays), and the manifest is as it was written; segments can be read to their end; recv_us never decreases; ids rise, and",
    `where the exchange numbers records without a break (${foldersOf(isContiguous).join(", ")}) none is missing and none is there twice; and there is no`,
    "gap, nor a minute of a book or a whole day without any record. A gap of which all was refetched, or in which the exchange had halted",
    "the symbol, does not make a day incomplete. Time before the first and after the last record is not judged.",
    "Ids that two days have in common are damage (id_doubled): a wrong clock has filed some under the wrong day. A day that only a wrong",
    "clock has made is kept, named, and not judged for what is missing.",
    "Exit code 0: complete. 1: not. 2: a flag is wrong, or nothing is recorded there.",
  ],
  async run(flags, terminal) {
    const selection = selectionOf(flags);
    const tracks = selectStreams(selection);
    const progress = createProgress(terminal);
    const warn = (line: string) => {
      progress.clear();
      process.stderr.write(`rt-data: ${line}\n`);
    };
    const gapsOf = openGapList(selection.dataDir, (reason) => warn(`${reason}; gaps of live days are not known`));
    const output = createStandardOutput(terminal.stop);
    const isLine = flags.json === undefined;
    const total = tracks.reduce((sum, { files }) => sum + bytesOf(files), 0);
    const days: VerifiedDay[] = [];
    const fails = (day: VerifiedDay) =>
      day.problems.length > 0 || (flags["allow-gaps"] === undefined && !isComplete(day));
    let read = 0;
    for (const track of tracks) {
      if (track.days.length === 0) continue;
      const found = await verifyStream(track, gapsOf, {
        dataDir: selection.dataDir,
        quick: flags.quick !== undefined,
        onProgress(bytes, day) {
          read += bytes;
          progress.update(read / total, `${day.stream} ${day.symbol} ${day.date}`);
          if (terminal.stop.aborted) throw new Error("verify was stopped before it was done");
        },
      });
      if (terminal.stop.aborted) throw new Error("verify was stopped before it was done");
      days.push(...found);
      const shown = found.filter((day) => flags.quiet === undefined || fails(day));
      progress.clear();
      if (isLine && shown.length > 0) await output.write(`${reportLines(shown, selection.zone).join("\n")}\n`);
    }
    const damaged = days.filter(({ problems }) => problems.length > 0);
    const gapped = days.filter((day) => day.problems.length === 0 && !isComplete(day));
    const failed = days.some(fails);
    if (!isLine) {
      const report = { complete: damaged.length + gapped.length === 0, days: days.map(verifiedJson) };
      await output.write(`${JSON.stringify(report, null, 2)}\n`);
    } else if (flags.quiet === undefined || failed) {
      const streams = new Set(days.map(({ stream, symbol }) => `${stream} ${symbol}`)).size;
      const complete = days.length - damaged.length - gapped.length;
      await output.write(
        `${counted(days.length, "day")} of ${counted(streams, "stream")}: ${complete} complete, ${gapped.length} with gaps, ${damaged.length} damaged\n`,
      );
    }
    return failed ? 1 : 0;
  },
};

function bytesOf(files: SelectedStream["files"]): number {
  return files.reduce((sum, { path }) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
