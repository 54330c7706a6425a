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
  selectRecords,
} from "./selection.ts";

/** Number of characters per write. */
const writeAtOnce = 256 * 1024;

/** `rt-data cat` */
export const cat: Command = {
  name: "cat",
  summary: "print the recorded lines of a time range, in the order in which they were received",
  flags: {
    ...selectionFlags,
    gaps: { value: null, help: 'print each gap as {"gap":{…}} where it begins' },
    "with-symbol": {
      value: null,
      help: 'begin each line with "stream" and "symbol"; needed for several streams or symbols',
    },
  },
  examples: [
    ["rt-data cat --stream depth20 --symbol BTCUSDT --from 2026-11-22T15:00 --to 2026-11-22T15:05", "five minutes"],
    ["rt-data cat --stream aggTrade --symbol BTCUSDT --from 2026-11-22 | head -1 | jq .", "the first trade of a day"],
    ["rt-data cat --stream trade --symbol BTCUSDT --from -5m", "the last five minutes"],
    ["rt-data cat --stream aggTrade --with-symbol --gaps", "all trades of all symbols, merged, with the gaps"],
  ],
  notes: [
    "Lines are printed byte for byte as stored, from archives, sealed segments and open segments. Without --from and --to, everything is",
    "printed, except the facts about symbols, which --stream exchangeInfo prints. Each file is checked before its first line is printed. A",
    "damaged file is named and skipped; the exit code is then 1.",
  ],
  async run(flags, terminal) {
    const selection = selectionOf(flags);
    const { range, zone } = selection;
    const streams = selectRecords(selection);
    requireSingleStream(streams, flags);
    const output = createStandardOutput(terminal.stop);
    // On a terminal the printed lines show the progress.
    const progress = createProgress({ isInteractive: terminal.isInteractive && !process.stdout.isTTY });
    const warn = (line: string) => {
      progress.clear();
      process.stderr.write(`rt-data: ${line}\n`);
    };
    const gapsOf = openGapList(selection.dataDir, (reason) => warn(`${reason}; gaps of live days are unknown`));
    const gaps = flags.gaps === undefined ? [] : gapsOfStreams(streams, range, (days) => gapsOfDays(days, gapsOf).gaps);
    const damaged = new Set<string>();
    const reader = createMergedReader<CatLine>(
      streams.map((stream) => catStream(stream, flags["with-symbol"] !== undefined)),
      {
        fromUs: range.fromUs,
        check: createSourceCheck(terminal.stop),
        onDamage(path, problem) {
          // A check that a stop has interrupted does not mean damage.
          if (terminal.stop.aborted) return;
          damaged.add(path);
          warn(`${path}: ${problem}`);
        },
      },
    );
    const endUs = endOfReading(streams, range);
    let firstUs: number | null = null;
    const buffer = createLineGatherer();

    try {
      while (!terminal.stop.aborted) {
        const line = reader.peek();
        if (line === undefined) {
          if (!(await output.write(buffer.take()))) return terminal.stop.aborted ? 1 : 0;
          if (await reader.fill()) continue;
          break;
        }
        if (line.recvUs >= range.toUs) break;
        firstUs ??= line.recvUs;
        while (gaps[0] !== undefined && gaps[0].from_us < line.recvUs) {
          buffer.addText(gapLine(gaps.shift() as Gap));
        }
        buffer.add(line);
        reader.skip();
        if (buffer.size() < writeAtOnce) continue;
        if (!(await output.write(buffer.take()))) return terminal.stop.aborted ? 1 : 0;
        progress.update((line.recvUs - firstUs) / (endUs - firstUs), formatTime(line.recvUs, zone));
      }
      if (!terminal.stop.aborted) for (const gap of gaps) buffer.addText(gapLine(gap));
      await output.write(buffer.take());
    } finally {
      reader.close();
      progress.clear();
    }
    return damaged.size > 0 || terminal.stop.aborted ? 1 : 0;
  },
};

/** Refuses several streams or symbols without --with-symbol: stored lines do not name their stream. */
function requireSingleStream(streams: readonly SelectedStream[], flags: Flags): void {
  const names = [...new Set(streams.map(({ stream }) => `${stream.type.folder} ${stream.symbol}`))];
  if (names.length <= 1 || flags["with-symbol"] !== undefined) return;
  throw new OperatorError(
    `${names.length} streams are recorded (${names.slice(0, 6).join(", ")}${names.length > 6 ? ", …" : ""}), and lines do not name their stream: choose one stream by --stream and --symbol, or add --with-symbol`,
  );
}

function gapsOfStreams(
  streams: readonly SelectedStream[],
  { fromUs, toUs }: { fromUs: number; toUs: number },
  gapsOf: (days: SelectedStream["days"]) => readonly Gap[],
): Gap[] {
  return streams
    .flatMap(({ days }) => gapsOf(days))
    .filter(({ from_us, to_us }) => to_us > fromUs && from_us < toUs)
    .sort((a, b) => a.from_us - b.from_us);
}

/** Formats a gap as line, with one character per byte like all printed text. */
function gapLine({ stream, symbol, from_us, to_us, cause, missing, repaired }: Gap): string {
  const gap = JSON.stringify({ gap: { stream, symbol, from_us, to_us, cause, missing, repaired } });
  return `${Buffer.from(gap).toString("latin1")}\n`;
}
