import type { Line } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";

/** Channels of Tardis' raw data that are recorded, with their folders. `ticker` is known, but not recorded. */
export const rawChannels: Readonly<Record<string, string | null>> = {
  trade: "trade",
  aggTrade: "aggTrade",
  depth: "depth",
  depthSnapshot: "depthSnapshot",
  bookTicker: "bookTicker",
  ticker: null,
};

/** Returns a line of raw data: the time of receipt with seven digits behind the second, then the message of the combined stream. */
export function rawLine(recvUs: number, stream: Stream, line: Pick<Line, "payload" | "repaired">): string {
  const payload = line.repaired ? streamForm(stream, line.payload) : line.payload;
  return `${rawTime(recvUs)} {"stream":"${stream.name}","data":${payload}}\n`;
}

/** Returns a line with a book that was rebuilt. `data`: the text of a REST book. */
export function snapshotLine(atUs: number, { symbol }: Stream, data: string): string {
  return `${rawTime(atUs)} {"stream":"${symbol.toLowerCase()}@depthSnapshot","generated":true,"data":${data}}\n`;
}

/** Formats µs as `2026-11-21T00:00:00.0103120Z`. */
function rawTime(us: number): string {
  const second = Math.floor(us / 1e6);
  return `${new Date(second * 1000).toISOString().slice(0, 19)}.${String(us - second * 1e6).padStart(6, "0")}0Z`;
}

/** Gives a trade that was backfilled over REST the members of the stream. */
function streamForm({ symbol, type }: Stream, payload: string): string {
  const members = JSON.parse(payload) as Record<string, unknown>;
  if (type.kind === "aggTrade") return JSON.stringify({ e: "aggTrade", E: members.T, s: symbol, ...members });
  const { id, price, qty, time, isBuyerMaker, isBestMatch } = members;
  return JSON.stringify({
    ...{ e: "trade", E: time, s: symbol, t: id, p: price, q: qty, T: time, m: isBuyerMaker, M: isBestMatch },
  });
}
