import type { Stream } from "../../domain/stream.ts";
import { OperatorError } from "../../platform/errors.ts";
import { formatTime } from "../../platform/time/time-parser.ts";
import { createMergedReader, type MergedReader, type MergeOptions } from "../../storage/read/merged-reader.ts";
import { createSourceCheck } from "../../storage/read/source-check.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import { createGapAnnouncer, findKnownGaps, type GapAnnouncer } from "./gap-announcer.ts";
import { type Preview, previewRecording } from "./preview.ts";
import { areFacts, readFacts } from "./recorded-facts.ts";
import type { RecordedMessage } from "./recorded-message.ts";
import { findEnd } from "./recording-end.ts";
import { findRecordingFiles } from "./recording-files.ts";

/** The part of a recording to play; null or left out means all. */
export type ReplaySelection = {
  /** µs; `to` is exclusive. */
  readonly range: { readonly fromUs: number | null; readonly toUs: number | null };
  readonly symbols: readonly string[] | null;
  /** As subscribed (`depth20@100ms`) or as the folder is called (`depth20`). */
  readonly streams: readonly string[] | null;
};

/** A recording that has something to play. */
export type OpenedRecording = {
  readonly preview: Preview;
  /** Names that can be subscribed to. */
  readonly names: ReadonlySet<string>;
  /** First selected message and end of the range that is played, µs; the end is Infinity if it is unknown. */
  readonly firstUs: number;
  readonly fromUs: number;
  readonly toUs: number;
  wants(message: RecordedMessage): boolean;
  /** Reads from a time on, and before it what REST needs to know its books. */
  open(fromUs: number, onDamage: NonNullable<MergeOptions["onDamage"]>): MergedReader<RecordedMessage>;
  createGapAnnouncer(): GapAnnouncer;
};

/** REST books are recorded once an hour. */
const recallUs = 65 * 60_000_000;

/** Opens a recording. @throws OperatorError if it has no messages or none of the selection; the error lists its contents. */
export async function openRecording(
  path: string,
  choice: Partial<ReplaySelection>,
  gapsOf: GapsOf,
  stop?: AbortSignal,
): Promise<OpenedRecording> {
  const { fromUs: from = null, toUs: to = null } = choice.range ?? {};
  const wants = createFilter(choice);
  const found = findRecordingFiles(path);
  const all = found.filter((track) => !areFacts(track));
  const tracks = all.filter(({ stream }) => stream === null || wants.stream(stream) || wants.book(stream));
  const facts = await readFacts(found.filter((track) => areFacts(track)));
  const preview = await previewRecording(tracks, { wants: wants.message, facts });
  const endUs = await findEnd(tracks);
  if (preview.streams.size === 0 || preview.firstUs === null) {
    const everything = await previewRecording(all);
    const [damage] = everything.damage;
    if (everything.streams.size === 0) {
      throw new OperatorError(
        `cannot play ${path}: it holds no message of any stream${damage === undefined ? "" : ` (${damage})`}`,
      );
    }
    throw nothingThere(path, choice, everything, await findEnd(all));
  }
  const range = {
    fromUs: Math.max(from ?? Number.NEGATIVE_INFINITY, preview.firstUs),
    // Records that a recorder adds while we play are not played, so that all streams end together.
    toUs: Math.min(to ?? Number.POSITIVE_INFINITY, endUs === null ? Number.POSITIVE_INFINITY : endUs + 1),
  };
  const recalls = tracks.some(({ stream }) => stream?.type.kind === "depthSnapshot") ? recallUs : 0;
  const isIndexed = tracks.every(({ stream }) => stream !== null);
  const check = createSourceCheck(stop);
  const open: OpenedRecording["open"] = (fromUs, onDamage) =>
    createMergedReader(tracks, { fromUs: isIndexed ? fromUs - recalls : Number.NEGATIVE_INFINITY, onDamage, check });
  const firstUs = from === null && to === null ? preview.firstUs : await findFirst(open, range, wants.message);
  if (firstUs === null) throw nothingThere(path, choice, preview, endUs);
  return {
    preview,
    names: new Set([...preview.streams, ...preview.aliases]),
    ...range,
    firstUs,
    wants: wants.message,
    open,
    createGapAnnouncer: () =>
      createGapAnnouncer(
        { fromUs: from ?? Number.NEGATIVE_INFINITY, toUs: range.toUs },
        { known: findKnownGaps(tracks, gapsOf), wants: wants.stream },
      ),
  };
}

function createFilter({ symbols = null, streams = null }: Partial<ReplaySelection>) {
  const isSymbol = (symbol: string) => symbols === null || symbols.includes(symbol.toUpperCase());
  const isType = (name: string, folder: string) =>
    streams === null || streams.some((stream) => stream === name || stream.replace(/@\d+ms$/, "") === folder);
  const stream = ({ symbol, type }: Stream) =>
    type.kind !== "depthSnapshot" && isSymbol(symbol) && isType(type.name, type.folder);
  const known = new Map<string, boolean>();
  return {
    stream,
    /** REST books of a chosen symbol, whatever streams were chosen. */
    book: ({ symbol, type }: Stream) => type.kind === "depthSnapshot" && isSymbol(symbol),
    message(message: RecordedMessage): boolean {
      let wanted = known.get(message.stream);
      if (wanted === undefined) {
        const at = message.stream.indexOf("@");
        const name = message.stream.slice(at + 1);
        wanted =
          message.parsed === null
            ? isSymbol(message.stream.slice(0, at)) && isType(name, name)
            : stream(message.parsed);
        known.set(message.stream, wanted);
      }
      return wanted;
    },
  };
}

/** Receipt time of the first message of a range; null if the range is empty. */
async function findFirst(
  open: OpenedRecording["open"],
  range: { fromUs: number; toUs: number },
  wants: (message: RecordedMessage) => boolean,
): Promise<number | null> {
  const reader = open(range.fromUs, () => {});
  try {
    for (;;) {
      const message = reader.peek();
      if (message === undefined) {
        if (await reader.fill()) continue;
        return null;
      }
      if (message.recvUs >= range.toUs) return null;
      if (message.recvUs >= range.fromUs && wants(message)) return message.recvUs;
      reader.skip();
    }
  } finally {
    reader.close();
  }
}

function nothingThere(
  path: string,
  choice: Partial<ReplaySelection>,
  there: Preview,
  endUs: number | null,
): OperatorError {
  const { fromUs = null, toUs = null } = choice.range ?? {};
  const asked = [
    fromUs === null ? "" : ` from ${formatTime(fromUs)}`,
    toUs === null ? "" : ` before ${formatTime(toUs)}`,
    choice.symbols ? ` of ${choice.symbols.join(", ")}` : "",
    choice.streams ? ` (${choice.streams.join(", ")})` : "",
  ].join("");
  const from = there.firstUs === null ? "" : `from ${formatTime(there.firstUs)}`;
  const until = endUs === null ? "" : ` to ${formatTime(endUs)}`;
  const symbols = [...new Set([...there.streams].map((name) => name.slice(0, name.indexOf("@")).toUpperCase()))].sort();
  const streams = [...new Set([...there.streams].map((name) => name.slice(name.indexOf("@") + 1)))].sort();
  return new OperatorError(
    `${path} has no messages${asked}. It holds messages ${from}${until}: ${symbols.join(", ")} (${streams.join(", ")})`,
  );
}
