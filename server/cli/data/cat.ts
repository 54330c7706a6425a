import type { Gap } from "../../domain/gap.ts";
import { OperatorError } from "../../platform/errors.ts";
import { formatTime } from "../../platform/time/time-parser.ts";
import { createMergedReader } from "../../storage/read/merged-reader.ts";
import { createSourceCheck } from "../../storage/read/source-check.ts";
import { gapsOfDays } from "../../storage/recorded-gaps.ts";
import type { Command, Flags } from "../framework/command.ts";
import { createProgress } from "../terminal/progress.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import { type CatLine, catStream, createLineGatherer } from "./line-gatherer.ts";
import {
  endOfReading,
  openGapList,
  type SelectedStream,
  selectionFlags,
  selectionOf,
  selectStreams,
} from "./selection.ts";

/** Handed to the system at once, characters. */
const writeAtOnce = 256 * 1024;

/** `rt-data cat` */
export const cat: Command = {
  name: "cat",
  summary: "the lines of a time range on standard output, in the order in which they were received",
  flags: {
    ...selectionFlags,
    gaps: { value: null, help: 'print each gap as {"gap":{…}} where it begins' },
    "with-symbol": {
      value: null,
      help: 'begin each line with "stream" and "symbol"; needed for more than one of them',
    },
  },
  examples: [
    ["rt-data cat --stream depth20 --symbol BTCUSDT --from 2026-11-22T15:00 --to 2026-11-22T15:05", "five minutes"],
    ["rt-data cat --stream aggTrade --symbol BTCUSDT --from 2026-11-22 | head -1 | jq .", "the first trade of a day"],
    ["rt-data cat --stream aggTrade --with-symbol --gaps", "all trades of all symbols, merged, with the gaps"],
  ],
  notes: [
    "Lines come byte for byte as they are stored, from archives, sealed segments and those still written to. Without --from and --to all",
    "that is recorded. Each file is checked before its first line is printed: of a damaged one nothing is. It is named, the others are",
    "printed, and the exit code is 1.",
  ],
  async run(flags, terminal) {
    const selection = selectionOf(flags);
    const { range, zone } = selection;
    const tracks = selectStreams(selection);
    requireOne(tracks, flags);
    const output = createStandardOutput(terminal.stop);
    // On a terminal the lines themselves show that it goes on.
    const progress = createProgress({ isInteractive: terminal.isInteractive && !process.stdout.isTTY });
    const warn = (line: string) => {
      progress.clear();
      process.stderr.write(`rt-data: ${line}\n`);
    };
    const gapsOf = openGapList(selection.dataDir, (reason) => warn(`${reason}; gaps of live days are not known`));
    const gaps = flags.gaps === undefined ? [] : gapsOfTracks(tracks, range, (days) => gapsOfDays(days, gapsOf).gaps);
    const damaged = new Set<string>();
    const reader = createMergedReader<CatLine>(
      tracks.map((track) => catStream(track, flags["with-symbol"] !== undefined)),
      {
        fromUs: range.fromUs,
        check: createSourceCheck(terminal.stop),
        onDamage(path, problem) {
          // What was being checked when the process was asked to stop is not damaged.
          if (terminal.stop.aborted) return;
          damaged.add(path);
          warn(`${path}: ${problem}`);
        },
      },
    );
    const endUs = endOfReading(tracks, range);
    let firstUs: number | null = null;
    const gathered = createLineGatherer();

    try {
      while (!terminal.stop.aborted) {
        const line = reader.peek();
        if (line === undefined) {
          if (!(await output.write(gathered.take()))) return terminal.stop.aborted ? 1 : 0;
          if (await reader.fill()) continue;
          break;
        }
        if (line.recvUs >= range.toUs) break;
        firstUs ??= line.recvUs;
        while (gaps[0] !== undefined && gaps[0].from_us < line.recvUs) {
          gathered.addText(gapLine(gaps.shift() as Gap));
        }
        gathered.add(line);
        reader.skip();
        if (gathered.size() < writeAtOnce) continue;
        if (!(await output.write(gathered.take()))) return terminal.stop.aborted ? 1 : 0;
        progress.update((line.recvUs - firstUs) / (endUs - firstUs), formatTime(line.recvUs, zone));
      }
      if (!terminal.stop.aborted) for (const gap of gaps) gathered.addText(gapLine(gap));
      await output.write(gathered.take());
    } finally {
      reader.close();
      progress.clear();
    }
    return damaged.size > 0 || terminal.stop.aborted ? 1 : 0;
  },
};

/** A line does not say what it is of, so that lines of several streams or symbols may not be mixed without saying so. */
function requireOne(tracks: readonly SelectedStream[], flags: Flags): void {
  const names = [...new Set(tracks.map(({ stream }) => `${stream.type.folder} ${stream.symbol}`))];
  if (names.length <= 1 || flags["with-symbol"] !== undefined) return;
  throw new OperatorError(
    `${names.length} streams are recorded (${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}), and a line does not say what it is of: choose one by --stream and --symbol, or print them with --with-symbol`,
  );
}

function gapsOfTracks(
  tracks: readonly SelectedStream[],
  { fromUs, toUs }: { fromUs: number; toUs: number },
  gapsOf: (days: SelectedStream["days"]) => readonly Gap[],
): Gap[] {
  return tracks
    .flatMap(({ days }) => gapsOf(days))
    .filter(({ from_us, to_us }) => to_us > fromUs && from_us < toUs)
    .sort((a, b) => a.from_us - b.from_us);
}

/** Text of one character a byte, as everything that is printed. */
function gapLine({ stream, symbol, from_us, to_us, cause, missing, repaired }: Gap): string {
  const gap = JSON.stringify({ gap: { stream, symbol, from_us, to_us, cause, missing, repaired } });
  return `${Buffer.from(gap).toString("latin1")}\n`;
}
