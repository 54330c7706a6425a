import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { verifyStream } from "../../../server/archive/verify/verify-stream.ts";
import { type Day, dateOf, dateStartUs } from "../../../server/domain/day.ts";
import { encodeBackfilledLine, encodeLine } from "../../../server/domain/line.ts";
import type { StreamKind } from "../../../server/domain/stream-kinds.ts";
import { findRecordedStreams } from "../../../server/storage/list/listing.ts";
import { temporaryFolder } from "../folder.ts";
import { archive, keysOf, newDataDir } from "./bucket.ts";
import type { S3 } from "./s3.ts";

/** An event at the exchange. */
export type Happening = { readonly id: number; readonly us: number };

/** A stream of each kind, and the form of its records. */
export const kinds: readonly {
  readonly folder: string;
  readonly kind: StreamKind;
  readonly payload: (event: Happening) => string;
  readonly rest?: (event: Happening) => string;
}[] = [
  {
    folder: "aggTrade",
    kind: "aggTrade",
    payload: ({ id, us }) =>
      `{"e":"aggTrade","E":${Math.floor(us / 1000)},"s":"BTCUSDT","a":${id},"p":"1.0","q":"2.0"}`,
    rest: ({ id, us }) => `{"a":${id},"p":"1.0","q":"2.0","T":${Math.floor(us / 1000)}}`,
  },
  {
    folder: "trade",
    kind: "trade",
    payload: ({ id, us }) => `{"e":"trade","E":${Math.floor(us / 1000)},"s":"BTCUSDT","t":${id},"p":"1.0","q":"2.0"}`,
    rest: ({ id, us }) => `{"id":${id},"price":"1.0","qty":"2.0","time":${Math.floor(us / 1000)}}`,
  },
  {
    folder: "depth20",
    kind: "partialDepth",
    payload: ({ id }) => `{"lastUpdateId":${id},"bids":[["1.0","2.0"]],"asks":[["1.1","2.0"]]}`,
  },
  {
    folder: "depth",
    kind: "diffDepth",
    payload: ({ id, us }) =>
      `{"e":"depthUpdate","E":${Math.floor(us / 1000)},"s":"BTCUSDT","U":${3 * id},"u":${3 * id + 2},"b":[],"a":[]}`,
  },
  {
    folder: "bookTicker",
    kind: "bookTicker",
    payload: ({ id }) => `{"u":${id},"s":"BTCUSDT","b":"1.0","B":"2.0","a":"1.1","A":"2.0"}`,
  },
];

export type StreamShape = (typeof kinds)[number];

/** One record a minute over these dates, and one each 10 ms in the second around every midnight between them. */
export function happenings(dates: readonly string[]): Happening[] {
  const times: number[] = [];
  for (const date of dates) {
    const startUs = dateStartUs(date);
    for (let minute = 0; minute < 1440; minute++) times.push(startUs + minute * 60_000_000 + 20_000_000);
    if (date !== dates[0]) for (let n = -100; n < 100; n++) times.push(startUs + n * 10_000 + 137);
  }
  return times.sort((a, b) => a - b).map((us, n) => ({ id: n + 1, us }));
}

/** The delays and gaps with which one recorder receives the events. */
export type Seen = { readonly event: Happening; readonly recvUs: number; readonly isRefetched?: boolean };

/** The lines of the received events, by date of receipt. */
export function linesByDate(shape: StreamShape, seen: readonly Seen[]): Map<string, string> {
  const byDate = new Map<string, string[]>();
  for (const { event, recvUs, isRefetched } of seen.toSorted(
    (a, b) => a.recvUs - b.recvUs || a.event.id - b.event.id,
  )) {
    const date = dateOf(recvUs);
    const line =
      isRefetched && shape.rest !== undefined
        ? encodeBackfilledLine(shape.rest(event), recvUs)
        : encodeLine(shape.payload(event), recvUs, 5);
    const lines = byDate.get(date) ?? [];
    lines.push(line);
    byDate.set(date, lines);
  }
  return new Map([...byDate].map(([date, lines]) => [date, lines.join("")]));
}

/** Creates a data folder with these days of received events, merged. */
export async function recorderOf(shape: StreamShape, seen: readonly Seen[], dates: readonly string[]): Promise<string> {
  const dataDir = newDataDir();
  for (const [date, text] of linesByDate(shape, seen))
    if (dates.includes(date)) await archive(dataDir, dayOf(shape, date), text);
  return dataDir;
}

export function dayOf({ folder }: StreamShape, date: string): Day {
  return { stream: folder, symbol: "BTCUSDT", date };
}

/** Lines of a day in the bucket. */
export async function storedLines(s3: S3, prefix: string, day: Day): Promise<string[]> {
  const bytes = await s3.client.file(keysOf(day, prefix)[0] ?? "").bytes();
  return zstdDecompressSync(bytes).toString().trimEnd().split("\n");
}

/** Ids of lines, in their order. */
export function idsIn(shape: StreamShape, lines: readonly string[]): number[] {
  const member = { aggTrade: /"a":(\d+)/, trade: /"(?:t|id)":(\d+)/, partialDepth: /"lastUpdateId":(\d+)/ };
  const pattern = member[shape.kind as "trade"] ?? /"u":(\d+)/;
  return lines.map((line) => {
    const id = Number(pattern.exec(line)?.[1]);
    return shape.kind === "diffDepth" ? (id - 2) / 3 : id;
  });
}

/** Copies a bucket below `prefix` into a data folder, as its keys are. */
export async function copyOf(s3: S3, prefix: string): Promise<string> {
  const folder = temporaryFolder();
  for (const key of await s3.keys(prefix)) {
    const path = join(folder, key.replace(prefix, "archive/"));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await s3.client.file(key).bytes());
  }
  return folder;
}

/** Returns the problems that `rt-data verify` finds in a folder. */
export async function verified(dataDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const track of findRecordedStreams(dataDir)) {
    const days = await verifyStream(track, () => null, { dataDir, quick: false, onProgress: () => {} });
    for (const { date, state, problems, silences } of days) {
      if (state !== "archived") found.push(`${date}: ${state}`);
      found.push(...problems.map(({ kind, detail }) => `${date} ${kind}: ${detail}`));
      found.push(...silences.map(({ fromUs, toUs }) => `${date}: silent from ${fromUs} to ${toUs}`));
    }
  }
  return found;
}
