/**
 * `bun test/bench/web/page.ts [seconds]`: the page in a real Chromium with 300 symbols at 4 updates/s: first paint, long tasks of its main
 * thread, frames that were late, slope of the heap; then the live book at 10 updates/s. Browser and server share the machine.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, CDPSession, Page } from "playwright-core";
import { createHttpServer } from "../../../server/http/server.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { findBrowser } from "../../support/browser/browser.ts";
import { buildPage } from "../../support/browser/build-page.ts";
import { fakeHistory } from "../../support/fakes/fake-history.ts";
import { fakeIncidents } from "../../support/fakes/fake-incidents.ts";
import { fakeMarket } from "../../support/fakes/fake-market.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { median } from "../cpu.ts";

const seconds = Number(process.argv[2] ?? 120);
const runtime = await findBrowser();
if (!runtime.ok) throw new Error(runtime.reason);
const folder = mkdtempSync(join(tmpdir(), "rt-data-bench-page-"));
let step = 0;
const history = fakeHistory(300);
const today = await history.today();
const server = createHttpServer(
  { host: "127.0.0.1", port: 0, tickMs: 250 },
  {
    status: () => fakeStatus(step++, 300),
    ...fakeMarket(),
    history: { ...history, today: async () => today },
    metrics: () => ({ text: "", contentType: "text/plain" }),
    incidents: fakeIncidents(),
    assetsDir: folder,
    log: silentLog,
  },
);

try {
  await buildPage(folder);
  const { url } = await server.start();
  const browser = await runtime.launch();
  await measurePaint(browser, `${url}/dashboard`);
  console.log("\n| view | updates/s | long tasks over 50 ms | longest, ms | late frames | heap, MB | slope, kB/min |");
  console.log("|---|---|---|---|---|---|---|");
  await measureRun(browser, `${url}/dashboard`, "overview, 300 symbols", 4, seconds, 3000);
  await measureRun(browser, `${url}/orderbook/BTCUSDT`, "order book", 10, seconds, 125_000);
  await browser.close();
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
// The browser's driver would keep the process alive.
process.exit(0);

/** Five loads with an empty cache each: first contentful paint, and until 300 rows stand there. */
async function measurePaint(browser: Browser, url: string): Promise<void> {
  const loads: { paint: number; rows: number }[] = [];
  for (let load = 0; load < 5; load++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(() => {
      new MutationObserver((_, observer) => {
        if (document.querySelectorAll("tbody [data-symbol]").length < 300) return;
        Object.assign(window, { rowsMs: performance.now() });
        observer.disconnect();
      }).observe(document, { childList: true, subtree: true });
    });
    await page.goto(url);
    await page.waitForFunction(
      () => "rowsMs" in window && performance.getEntriesByName("first-contentful-paint").length > 0,
    );
    loads.push(
      await page.evaluate(() => ({
        paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
        rows: (window as unknown as { rowsMs: number }).rowsMs,
      })),
    );
    await context.close();
  }
  const show = (values: number[]) =>
    `${median(values).toFixed(0)} ms (${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)})`;
  console.log(`first contentful paint: ${show(loads.map(({ paint }) => paint))}; goal ≤ 1000 ms`);
  console.log(`300 rows in the document: ${show(loads.map(({ rows }) => rows))}`);
}

type Seen = { longTasks: number[]; frames: number; late: number };

async function measureRun(
  browser: Browser,
  url: string,
  name: string,
  perSecond: number,
  forSeconds: number,
  warmUpMs: number,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector(".headline h1, .side-bids td.price");
  // What loading costs is measured by itself, and the book keeps two minutes of prices: before that its heap has to grow.
  await page.waitForTimeout(warmUpMs);
  const session = await context.newCDPSession(page);
  await watch(page);
  const heaps: { atMs: number; bytes: number }[] = [];
  const every = Math.max(5, forSeconds / 12);
  for (let at = 0; at <= forSeconds; at += every) {
    heaps.push({ atMs: performance.now(), bytes: await heapOf(session) });
    if (at + every <= forSeconds) await page.waitForTimeout(every * 1000);
  }
  const { longTasks, frames, late } = await page.evaluate(() => (window as unknown as { seen: Seen }).seen);
  const longest = longTasks.length === 0 ? 0 : Math.max(...longTasks);
  const share = `${late} of ${frames} (${((100 * late) / Math.max(1, frames)).toFixed(2)}%)`;
  // The first sample holds what the first seconds left behind.
  const slope = slopePerMinute(heaps.slice(1)) / 1000;
  const heap = ((heaps.at(-1)?.bytes ?? 0) / 1e6).toFixed(1);
  console.log(
    `| ${name} | ${perSecond} | ${longTasks.length} | ${longest.toFixed(0)} | ${share} | ${heap} | ${slope.toFixed(1)} |`,
  );
  await context.close();
}

/** A frame is late if it comes more than 1.5 frame times of 60 Hz after the previous frame. */
async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: Seen = { longTasks: [], frames: 0, late: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.longTasks.push(duration);
    }).observe({ type: "longtask" });
    let before = performance.now();
    const frame = (now: number) => {
      seen.frames++;
      if (now - before > 25) seen.late += Math.round((now - before) / (1000 / 60)) - 1;
      before = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

async function heapOf(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize;
}

function slopePerMinute(points: readonly { atMs: number; bytes: number }[]): number {
  const meanX = points.reduce((sum, { atMs }) => sum + atMs, 0) / points.length;
  const meanY = points.reduce((sum, { bytes }) => sum + bytes, 0) / points.length;
  const over = points.reduce((sum, { atMs, bytes }) => sum + (atMs - meanX) * (bytes - meanY), 0);
  return (over / points.reduce((sum, { atMs }) => sum + (atMs - meanX) ** 2, 0)) * 60_000;
}
