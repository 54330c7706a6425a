import { gzipSync } from "node:zlib";
import { createBookBuilder } from "../../domain/book/book-builder.ts";
import { levelsText, readBookDiff, readBookImage } from "../../domain/book/book-text.ts";
import { dateOf, dayUs } from "../../domain/day.ts";
import { decodeLine, type Line } from "../../domain/line.ts";
import { type Stream, streamTypeOfFolder } from "../../domain/stream.ts";
import { rawChannels, rawLine, snapshotLine } from "../../export/tardis/raw-message.ts";
import type { RawRequest } from "../../http/routes/tardis-routes.ts";
import { namesIn } from "../../platform/files/names-in.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import { type RecordedStream, streamsOfDay } from "../../storage/list/listing.ts";
import { createMergedReader, type MergedReader } from "../../storage/read/merged-reader.ts";
import type { SourceCheck } from "../../storage/read/source-check.ts";
import type { Received } from "../../storage/read/stream-reader.ts";

/** A minute of the recording, as a client of Tardis' raw data asks for it. */
export type RawMinute = RawRequest & {
  readonly dataDir: string;
  /** Gaps of days without a manifest. */
  readonly gaps: readonly { readonly stream: string; readonly symbol: string; readonly from_us: number }[];
};

/** `damaged`: a source could not be read whole; `large`: the minute exceeds the limit of memory. */
export type RawResult =
  | { readonly kind: "minute"; readonly gzip: Uint8Array<ArrayBuffer> }
  | { readonly kind: "damaged"; readonly path: string; readonly problem: string }
  | { readonly kind: "large" };

const minuteUs = 60_000_000;
/** Records before the range from which its book is rebuilt: at least two REST books. */
const leadUs = 2.1 * 3600e6;
const largestText = 128 * 1024 * 1024;
const recordsAtOnce = 2000;

type RawRecord = Received & { readonly stream: Stream; readonly line: Line };
type Damage = { readonly path: string; readonly problem: string };

/** Reads minutes. Clients ask for a day's minutes in order, so that the reader of the last minute goes on with the next minute. */
export function createRawReplay(check: SourceCheck, alive: () => void) {
  let open: { key: string; atUs: number; reader: MergedReader<RawRecord>; damage: () => Damage | null } | null = null;

  async function readUntil(
    reader: MergedReader<RawRecord>,
    toUs: number,
    take: (record: RawRecord) => boolean,
  ): Promise<void> {
    for (let count = 0; ; ) {
      const next = reader.peek();
      if (next === undefined) {
        if (await reader.fill()) continue;
        return;
      }
      if (next.recvUs >= toUs || !take(next)) return;
      reader.skip();
      if (++count % recordsAtOnce > 0) continue;
      alive();
      await nextTurn();
    }
  }

  function openAt(tracks: readonly RecordedStream[], fromUs: number) {
    let damage: Damage | null = null;
    const onDamage = (path: string, problem: string) => {
      damage ??= { path, problem };
    };
    const streams = tracks.map(({ files, stream }) => ({
      files,
      createParser: () => (text: string, from: number, to: number) => {
        const line = decodeLine(text.slice(from, to));
        if (line === null) return "damaged" as const;
        return line.recvUs < fromUs ? null : { recvUs: line.recvUs, stream, line };
      },
    }));
    const reader = createMergedReader<RawRecord>(streams, { fromUs, onDamage, check });
    return { reader, damage: () => damage };
  }

  /** Returns the books at the start of a range, as REST books that were generated. */
  async function snapshots(tracks: readonly RecordedStream[], fromUs: number): Promise<string | Damage> {
    const books = tracks.filter(({ stream }) => ["depth", "depthSnapshot"].includes(stream.type.folder));
    const builders = new Map(books.map(({ stream }) => [stream.symbol, { builder: createBookBuilder(), stream }]));
    const { reader, damage } = openAt(books, fromUs - leadUs);
    try {
      await readUntil(reader, fromUs, ({ stream, line: { payload } }) => {
        const { builder } = builders.get(stream.symbol) ?? {};
        const image = stream.type.kind === "diffDepth" ? null : readBookImage(payload);
        const diff = stream.type.kind === "diffDepth" ? readBookDiff(payload) : null;
        if (image !== null) builder?.restBook(image);
        if (diff !== null) builder?.diff(diff);
        return true;
      });
    } finally {
      reader.close();
    }
    const problem = damage();
    if (problem !== null) return problem;
    return [...builders.values()].map(({ builder, stream }) => bookLine(builder, stream, fromUs)).join("");
  }

  return async (minute: RawMinute): Promise<RawResult> => {
    const { fromUs, isFirst, filters } = minute;
    const key = JSON.stringify([filters, dateOf(fromUs)]);
    const tracks = tracksOf(minute, [dateOf(fromUs)]);
    let text = "";
    if (isFirst && filters.some(({ channel }) => channel === "depthSnapshot")) {
      const start = await snapshots(tracksOf(minute, [dateOf(fromUs - dayUs), dateOf(fromUs)]), fromUs);
      if (typeof start !== "string") return { kind: "damaged", ...start };
      text = start;
    }
    // A day that is still being recorded gets files that an open reader does not know.
    const isMerged = tracks.every(({ days }) => days.length > 0 && days.every((day) => day.gaps !== null));
    if (open === null || open.key !== key || open.atUs > fromUs || !isMerged) {
      open?.reader.close();
      open = { key, atUs: fromUs, ...openAt(tracks, fromUs) };
    }
    const { reader, damage } = open;
    const gaps = gapsOf(minute, tracks);
    const recorded: string[] = [];
    let length = text.length;
    let gap = 0;
    await readUntil(reader, fromUs, () => true);
    await readUntil(reader, fromUs + minuteUs, ({ recvUs, stream, line }) => {
      for (; (gaps[gap] ?? Number.POSITIVE_INFINITY) <= recvUs; gap++) recorded.push("\n");
      const next = rawLine(recvUs, stream, line);
      recorded.push(next);
      length += next.length;
      return length <= largestText;
    });
    for (; gap < gaps.length; gap++) recorded.push("\n");
    open.atUs = fromUs + minuteUs;
    const problem = damage();
    if (problem === null && length <= largestText)
      return { kind: "minute", gzip: gzipSync(text + recorded.join(""), { level: 1 }) as Uint8Array<ArrayBuffer> };
    reader.close();
    open = null;
    return problem === null ? { kind: "large" } : { kind: "damaged", ...problem };
  };
}

function bookLine(builder: ReturnType<typeof createBookBuilder>, stream: Stream, atUs: number): string {
  if (!builder.isValid()) return "";
  const [bids, asks] = [builder.bids, builder.asks].map((side) => {
    const ranks = Array.from({ length: side.size() }, (_, rank) => rank);
    return levelsText({ prices: ranks.map(side.price), quantities: ranks.map(side.quantity) }, builder.decimals());
  });
  return snapshotLine(atUs, stream, `{"lastUpdateId":${builder.lastId()},"bids":${bids},"asks":${asks}}`);
}

function tracksOf({ dataDir, filters }: RawMinute, dates: readonly string[]): RecordedStream[] {
  return filters.flatMap(({ channel, symbols }) => {
    const stream = rawChannels[channel] ?? null;
    if (stream === null || streamTypeOfFolder(stream) === null) return [];
    const recorded = symbols ?? recordedSymbols(dataDir, stream);
    return recorded.flatMap((symbol) => dates.flatMap((date) => streamsOfDay(dataDir, { stream, symbol, date })));
  });
}

/** Lists every symbol of a stream that has a folder. */
export function recordedSymbols(dataDir: string, stream: string): string[] {
  const names = ["archive", "live"].flatMap((part) => namesIn(`${dataDir}/${part}/stream=${stream}`));
  const symbols = names.flatMap((name) => /^symbol=(.+)$/.exec(name)?.[1] ?? []);
  return [...new Set(symbols)].sort();
}

/** Times at which the recording was interrupted within a minute, µs. Gaps that begin together are one interruption. */
function gapsOf({ fromUs, gaps }: RawMinute, tracks: readonly RecordedStream[]): number[] {
  const recorded = tracks.flatMap(({ days, stream }) =>
    days.flatMap((day) =>
      (day.gaps ?? gaps.filter((gap) => gap.stream === stream.type.folder && gap.symbol === stream.symbol)).map(
        ({ from_us }) => from_us,
      ),
    ),
  );
  return [...new Set(recorded)].filter((us) => us >= fromUs && us < fromUs + minuteUs).sort((a, b) => a - b);
}
