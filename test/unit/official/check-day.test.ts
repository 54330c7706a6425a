import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { type CheckDayOptions, checkDay } from "../../../server/official/check-day.ts";
import { createBandwidthLimit } from "../../../server/platform/fetch/bandwidth-limit.ts";
import {
  archiveDays,
  before,
  date,
  secondLines,
  secondOf,
  today,
  tradeLine,
} from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import {
  csvOf,
  pythonMissing,
  rowsOf,
  serveFiles,
  sha256,
  type Trade,
  tradesOf,
  zipAll,
} from "../../support/official/daily-files.ts";

const day = { stream: "aggTrade", symbol: "BTCUSDT", date } as const;
const fileName = `BTCUSDT-aggTrades-${date}.zip`;
const path = `/data/spot/daily/aggTrades/BTCUSDT/${fileName}`;

/** A trade a second in the last minutes of a day, and in the first and last of the next; a trade is 11 ms older than its receipt. */
const spans = [
  { of: before, name: "23-50", from: 86_400 - 300, to: 86_400 },
  { of: date, name: "00-00", from: 0, to: 300 },
  { of: date, name: "23-50", from: 86_400 - 300, to: 86_400 },
  { of: today, name: "00-00", from: 0, to: 300 },
] as const;
const lines = spans.map(({ of, from, to }) => secondLines(of, from, to, tradeLine));
const trades: readonly Trade[] = tradesOf(lines.join(""));
const rows = rowsOf(trades, date);
const firstId = trades.find(({ T }) => T * 1000 >= secondOf(date, 0))?.a ?? 0;

/** The recording with a change, as a data folder. */
async function recorded(change: (line: string) => string = (line) => line): Promise<string> {
  const dataDir = temporaryFolder();
  const files = spans.map(({ of, name }, n) => {
    const text = (lines[n] ?? "").replaceAll(/.+\n/g, change);
    return { segment: { stream: "aggTrade", symbol: "BTCUSDT", date: of, name } as const, text };
  });
  await archiveDays(dataDir, files, today);
  return dataDir;
}

function check(dataDir: string, baseUrl: string, options: Partial<CheckDayOptions> = {}) {
  return checkDay(day, {
    ...{ dataDir, baseUrl, folder: temporaryFolder(), isFirst: false, isLast: false },
    ...{ limit: createBandwidthLimit(0), signal: new AbortController().signal, ...options },
  });
}

/** Serves a zip, by default with its checksum, and compares. */
async function checkFile(
  dataDir: string,
  zip: Uint8Array<ArrayBuffer>,
  checksum = sha256(zip),
  options?: Partial<CheckDayOptions>,
) {
  const server = serveFiles((asked) =>
    asked === path ? zip : asked === `${path}.CHECKSUM` ? `${checksum}  ${fileName}\n` : null,
  );
  try {
    return await check(dataDir, server.url, options);
  } finally {
    server.stop();
  }
}

describe.skipIf(pythonMissing !== "")(`the daily file of Binance${pythonMissing}`, () => {
  let whole: string;
  let zips: Record<string, Buffer<ArrayBuffer>>;
  beforeAll(async () => {
    whole = await recorded();
    const altered = rows.map((row, n) => (n === 7 ? row.replace("86704.77000000", "86704.78000000") : row));
    const lastOfBefore = rowsOf(trades, before).at(-1) ?? "";
    zips = zipAll({
      us: csvOf(rows),
      ms: csvOf(rowsOf(trades, date, { unit: "ms" }), { header: true, end: "\r\n" }),
      altered: csvOf(altered),
      short: csvOf(rows.slice(0, 400)),
      doubled: csvOf([lastOfBefore, ...rows]),
      early: csvOf([...[3, 2, 1].map((n) => (rows[0] ?? "").replace(String(firstId), String(firstId - n))), ...rows]),
      words: "<html>\nlog in\n",
    });
  });
  const zip = (name: string) => zips[name] ?? new Uint8Array();

  test.each(["us", "ms", "doubled"])(
    "every recorded trade is in it, also those received after midnight: µs or ms, with and without a header, CRLF, an id doubled at the border (%s)",
    async (name) => {
      const result = await checkFile(whole, zip(name));
      expect(result).toMatchObject({ kind: "compared", checksum: "ok", sha256: sha256(zip(name)), notDue: 0 });
      expect(result).toMatchObject({ missing: { count: 0 }, differing: { count: 0 }, beyond: { count: 0 } });
      expect(result).toMatchObject({ equal: name === "doubled" ? 601 : 600 });
    },
  );

  test("trades that were not recorded are named by their ids", async () => {
    const [gone, alone] = [firstId + 20, firstId + 100];
    const holes = await recorded((line) => {
      const id = Number(/"a":(\d+)/.exec(line)?.[1]);
      return (id >= gone && id < gone + 5) || id === alone ? "" : line;
    });
    expect(await checkFile(holes, zip("us"))).toMatchObject({
      equal: 594,
      missing: {
        count: 6,
        ranges: [
          { first: gone, last: gone + 4 },
          { first: alone, last: alone },
        ],
      },
      beyond: { count: 0 },
    });
  });

  test("a trade with another price differs; the file is not taken for right", async () => {
    const id = Number(rows[7]?.split(",")[0]);
    expect(await checkFile(whole, zip("altered"))).toMatchObject({
      differing: { count: 1, ranges: [{ first: id, last: id }] },
      missing: { count: 0 },
    });
  });

  test("a file that ends early is incomplete; the recording is not", async () => {
    const result = await checkFile(whole, zip("short"));
    expect(result).toMatchObject({ equal: 400, missing: { count: 0 }, beyond: { count: 200 } });
  });

  test("trades from before the very first record are not due", async () => {
    const startsThere = await recorded((line) => (Number(/"a":(\d+)/.exec(line)?.[1]) < firstId ? "" : line));
    expect(await checkFile(startsThere, zip("early"))).toMatchObject({ missing: { count: 3 }, equal: 600 });
    const result = await checkFile(startsThere, zip("early"), undefined, { isFirst: true });
    expect(result).toMatchObject({ notDue: 3, missing: { count: 0 }, equal: 600 });
  });

  test("trades that a wrong clock has filed under another day are recorded", async () => {
    const later = 5 * 86_400e6;
    const dataDir = temporaryFolder();
    const texts = spans.map(({ of, name }, n) => {
      const isMoved = n === 2;
      const moved = (lines[n] ?? "").replaceAll(/"recv_us":(\d+)/g, (_, us) => `"recv_us":${Number(us) - later}`);
      const segment = { stream: "aggTrade", symbol: "BTCUSDT", date: isMoved ? "2026-11-16" : of, name } as const;
      return { segment, text: isMoved ? moved : (lines[n] ?? "") };
    });
    await archiveDays(dataDir, texts, today);
    expect(await checkFile(dataDir, zip("us"))).toMatchObject({ equal: 600, missing: { count: 0 } });
  });

  test("a stale CHECKSUM is told, and the file compared all the same; a replaced file is downloaded again", async () => {
    expect(await checkFile(whole, zip("us"), "0".repeat(64))).toMatchObject({ checksum: "stale", equal: 600 });
    let requests = 0;
    const server = serveFiles((asked) => {
      if (asked === path) return requests++ === 0 ? zip("short") : zip("us");
      return asked === `${path}.CHECKSUM` ? `${sha256(zip("us"))}  ${fileName}\r\n` : null;
    });
    expect(await check(whole, server.url)).toMatchObject({ checksum: "ok", equal: 600, beyond: { count: 0 } });
    server.stop();
  });

  test("a file that is cut off, damaged or something else is not compared, and is removed", async () => {
    const flipped = Buffer.from(zip("us"));
    flipped[2000] = (flipped[2000] ?? 0) ^ 0x10;
    for (const body of [zip("us").subarray(0, 3000), flipped, zip("words"), Buffer.from("<html>log in</html>")]) {
      const folder = temporaryFolder();
      const result = await checkFile(whole, body, sha256(body), { folder });
      expect(result).toEqual({ kind: "failed", reason: expect.any(String), isUnreachable: false });
      expect(existsSync(folder)).toBe(false);
    }
  });

  test("a file that is not published yet is told apart from a server that fails", async () => {
    const server = serveFiles(() => null);
    expect(await check(whole, server.url)).toEqual({ kind: "absent" });
    server.stop();
    const failing = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("", { status: 503 }) });
    const url = `http://127.0.0.1:${failing.port}`;
    expect(await check(whole, url)).toEqual({
      kind: "failed",
      reason: expect.stringContaining("503"),
      isUnreachable: false,
    });
    await failing.stop(true);
    expect(await check(whole, url)).toEqual({
      kind: "failed",
      reason: expect.stringMatching(
        /^cannot reach 127\.0\.0\.1:\d+ \(.+\); check the network, HTTPS_PROXY, and official\.url$/,
      ),
      isUnreachable: true,
    });
  });
});

test("Binance publishes no files of order books", async () => {
  const options = { dataDir: "", baseUrl: "", folder: "", isFirst: true, isLast: true };
  const more = { limit: createBandwidthLimit(0), signal: new AbortController().signal };
  expect(await checkDay({ ...day, stream: "depth20" }, { ...options, ...more })).toBeNull();
});
