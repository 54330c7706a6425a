import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { createRawFeed } from "../../../server/app/tardis/raw-feed.ts";
import { createBookBuilder } from "../../../server/domain/book/book-builder.ts";
import { readBookDiff, readBookImage } from "../../../server/domain/book/book-text.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { temporaryData } from "../../support/data/day-fixture.ts";
import { realDay, writeRealDay } from "../../support/data/real-folder.ts";
import { fakeHistory } from "../../support/fakes/fake-history.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { serve } from "../../support/http/serving.ts";
import { createCertificate } from "../../support/simulator/certificate.ts";
import { realDataMissing } from "../../support/simulator/real-data.ts";

const node = Bun.which("node");
const skipped = node === null ? " (skipped: no Node here)" : realDataMissing;
let dataDir = "";
let remove = () => {};
beforeAll(async () => {
  if (skipped !== "") return;
  ({ dataDir, remove } = temporaryData());
  const gap = {
    cause: "reconnect",
    missing: 0,
    repaired: 0,
    from_us: Date.parse("2024-08-08T23:57:30Z") * 1000,
  } as const;
  await writeRealDay(
    dataDir,
    realDay().filter(({ stream }) => stream !== "depth20"),
    (day) =>
      day.stream === "trade" && day.symbol === "ETHUSDT" ? [{ ...gap, ...day, to_us: gap.from_us + 1000 }] : [],
  );
}, 60_000);
afterAll(() => remove());

type Level = readonly [price: number, amount: number];
type Report = {
  readonly counts: Readonly<Record<string, number>>;
  readonly amount: number;
  readonly snapshots: readonly (readonly [ms: number, bids: readonly Level[], asks: readonly Level[]])[];
  readonly seen: number;
  readonly details: readonly unknown[];
};

/** The best 20 levels after each record of the book, by receipt in ms. */
function booksByMs(): Map<number, { bids: Level[]; asks: Level[] }> {
  const builder = createBookBuilder();
  const books = new Map<number, { bids: Level[]; asks: Level[] }>();
  const best = (side: typeof builder.bids): Level[] =>
    Array.from({ length: Math.min(20, side.size()) }, (_, rank) => [side.price(rank), Number(side.quantity(rank))]);
  for (const { t, stream, symbol, payload } of realDay()) {
    if (symbol !== "BTCUSDT" || (stream !== "depth" && stream !== "depthSnapshot")) continue;
    const diff = stream === "depth" ? readBookDiff(payload) : null;
    const image = stream === "depth" ? null : readBookImage(payload);
    if (diff !== null) builder.diff(diff);
    if (image !== null) builder.restBook(image);
    if (builder.isValid()) books.set(t, { bids: best(builder.bids), asks: best(builder.asks) });
  }
  return books;
}

test.skipIf(skipped !== "")(
  `the unmodified tardis-dev reads a real recording: every trade and best price, every book, a gap as a disconnect${skipped}`,
  async () => {
    const feed = createRawFeed({ dataDir }, { history: fakeHistory(3), log: silentLog });
    const site = await serve({ raw: feed });
    const certificate = createCertificate();
    // Its agent speaks https alone, which a proxy in front of RT-Data does.
    const proxy = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 255,
      tls: { key: certificate.key, cert: certificate.cert },
      fetch(request) {
        const { pathname, search } = new URL(request.url);
        return fetch(`${site.url}${pathname}${search}`, { headers: { "accept-encoding": "gzip" }, decompress: false });
      },
    });
    const words = [
      `https://127.0.0.1:${proxy.port}/tardis/v1`,
      temporaryFolder(),
      "a-token",
      "2024-08-08T23:54:00.000Z",
      "2024-08-09T00:00:00.000Z",
    ];
    const program = Bun.spawn([node ?? "", join(import.meta.dir, "tardis-program.mjs"), ...words], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate.path },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [output, errors] = await Promise.all([
      new Response(program.stdout).text(),
      new Response(program.stderr).text(),
    ]);
    expect([await program.exited, errors]).toEqual([0, ""]);
    const report = JSON.parse(output) as Report;
    // 5 of the 6,885 diffs came before the REST books.
    expect(report.counts).toEqual({
      ...{ snapshot: 2, change: 6880, book_ticker: 52_117 },
      ...{ trade: 15_863, "disconnect of trades": 1, "raw trade": 9757 },
    });
    const amount = realDay().reduce(
      (sum, { stream, payload }) => sum + (stream === "trade" ? Number(JSON.parse(payload).q) : 0),
      0,
    );
    expect(report.amount).toBeCloseTo(amount, 6);
    expect(report.details).toEqual(["binance", ["btcusdt", "ethusdt"]]);
    const books = booksByMs();
    expect(report.snapshots.length).toBeGreaterThan(50);
    for (const [ms, bids, asks] of report.snapshots) expect({ bids, asks }).toEqual(books.get(ms) as never);
    await proxy.stop(true);
    await site.close();
  },
  120_000,
);
