import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { dateOf, dateStartUs, dayUs, type Segment } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { temporaryFolder } from "../folder.ts";
import { archiveHere, writeRaw } from "./day-fixture.ts";

/** µs of a second of a day. */
export function secondOf(date: string, second: number): number {
  return dateStartUs(date) + second * 1e6;
}

/** A depth20 line of a whole book, its prices and quantities different in every line. */
export function bookLine(recvUs: number, id: number): string {
  const side = (price: number) =>
    Array.from(
      { length: 20 },
      (_, n) =>
        `["${price + n}.${String(id % 100).padStart(2, "0")}000000","0.${10000000 + ((id * 7919 + n) % 89999999)}"]`,
    );
  return encodeLine(`{"lastUpdateId":${id},"bids":[${side(86000)}],"asks":[${side(86100)}]}`, recvUs, 12);
}

/** An aggTrade line in the exchange's form. */
export function tradeLine(recvUs: number, id: number, symbol = "BTCUSDT"): string {
  const timeMs = Math.floor(recvUs / 1000);
  const payload = `{"e":"aggTrade","E":${timeMs - 10},"s":"${symbol}","a":${id},"p":"86704.77000000","q":"0.${String(id % 100000).padStart(5, "0")}000","f":${id * 2},"l":${id * 2 + 1},"T":${timeMs - 11},"m":${id % 2 === 0},"M":true}`;
  return encodeLine(payload, recvUs, 11);
}

/** A backfilled aggTrade in the form of REST: its receipt time is its trade time. */
export function refetchedLine(timeUs: number, id: number): string {
  const payload = `{"a":${id},"p":"86704.77000000","q":"1.00000000","f":${id * 2},"l":${id * 2 + 1},"T":${timeUs / 1000},"m":true,"M":true}`;
  return `{"recv_us":${timeUs},"net_delay_ms":null,"repaired":true,${payload.slice(1)}\n`;
}

/** Lines one a second, from second to second of a day; ids are seconds since the day 2026-11-20 began. */
export function secondLines(
  date: string,
  from: number,
  to: number,
  line: (recvUs: number, id: number) => string,
): string {
  const base = (dateStartUs(date) - dateStartUs("2026-11-20")) / 1e6;
  let text = "";
  for (let second = from; second < to; second++) text += line(secondOf(date, second), base + second);
  return text;
}

/** Writes raw segments, seals them and merges the days before `today`. */
export async function archiveDays(
  dataDir: string,
  files: readonly { segment: Segment; text: string }[],
  today: string,
  gaps: readonly Gap[] = [],
): Promise<void> {
  for (const { segment, text } of files) writeRaw(dataDir, segment, text);
  await archiveHere(
    dataDir,
    files.map(({ segment }) => segment),
    {
      before: today,
      gapsOf: (day) =>
        gaps.filter(({ stream, symbol, from_us }) => {
          return stream === day.stream && symbol === day.symbol && dateOf(from_us) === day.date;
        }),
    },
  );
}

/** The last ten minutes of `before` and the first ten of `date`, so that two days meet at midnight. */
export const before = "2026-11-20";
export const date = "2026-11-21";
export const today = "2026-11-22";
const late = 86_400 - 600;

/**
 * A data folder: of depth20 and aggTrade of BTCUSDT and of aggTrade of ETHUSDT two archived days, and of today a sealed segment and
 * an open segment with a torn last line.
 */
export async function recordedFolder(): Promise<string> {
  const dataDir = temporaryFolder();
  const kinds = [
    { stream: "depth20", symbol: "BTCUSDT", line: bookLine },
    { stream: "aggTrade", symbol: "BTCUSDT", line: tradeLine },
    { stream: "aggTrade", symbol: "ETHUSDT", line: (us: number, id: number) => tradeLine(us + 500, id, "ETHUSDT") },
  ];
  const files = kinds.flatMap(({ stream, symbol, line }) => [
    { segment: { stream, symbol, date: before, name: "23-50" }, text: secondLines(before, late, 86_400, line) },
    { segment: { stream, symbol, date, name: "00-00" }, text: secondLines(date, 0, 600, line) },
    { segment: { stream, symbol, date: today, name: "00-00" }, text: secondLines(today, 0, 300, line) },
  ]);
  const gaps = kinds.map(({ stream, symbol }): Gap => {
    const span = { from_us: secondOf(date, 599), to_us: dateStartUs(date) + dayUs };
    return { stream, symbol, ...span, cause: "restart", missing: null, repaired: 0 };
  });
  await archiveDays(dataDir, files, today, gaps);
  for (const { stream, symbol, line } of kinds) {
    const text = secondLines(today, 300, 400, line);
    writeRaw(dataDir, { stream, symbol, date: today, name: "00-05" }, `${text}{"recv_us":17956`);
  }
  const catalogue = openCatalogue(dataDir);
  catalogue.saveGaps(gaps);
  catalogue.close();
  return dataDir;
}
