/**
 * `bun test/bench/web/screens.ts [folder]`: every view of the page as a picture, empty, with 3 and with 300 symbols, with open incidents and
 * without a connection, on a phone and a desktop, light and dark, in English and Korean; and one sheet of all for each look, to be looked at.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import { ruleFacts } from "../../../server/domain/incidents/incident-rules.ts";
import { createHttpServer } from "../../../server/http/server.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { findBrowser } from "../../support/browser/browser.ts";
import { buildPage } from "../../support/browser/build-page.ts";
import { fakeHistory } from "../../support/fakes/fake-history.ts";
import { fakeIncident, fakeIncidents } from "../../support/fakes/fake-incidents.ts";
import { fakeMarket } from "../../support/fakes/fake-market.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";

type Look = { readonly width: number; readonly colorScheme: "light" | "dark"; readonly locale: "en-US" | "ko-KR" };
type Scene = { readonly name: string; readonly symbols: number; readonly incidents: Incident[]; readonly cut: boolean };

/** Pictures are no higher, px. */
const deepest = 2200;

let step = 0;
const folder = resolve(process.argv[2] ?? "test/.tmp/screens");
const dayBefore = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
const views = [
  ...["/dashboard", "/coverage", `/coverage/BTCUSDT/${dayBefore}`],
  ...["/archive", "/history", "/orderbook/BTCUSDT"],
];
const incidents = [
  fakeIncident({ id: 1, rule: "delay", subjects: ["BTCUSDT", "ETHUSDT"], value: 1800, worst: 2500, limit: 1000 }),
  fakeIncident({ id: 2, rule: "disk_forecast", value: 2.4, worst: 2.1, limit: 3 }),
  fakeIncident({
    id: 3,
    rule: "disconnected",
    severity: "critical",
    detail: "getaddrinfo ENOTFOUND stream.binance.com",
  }),
];
const scenes: readonly Scene[] = [
  { name: "empty", symbols: 0, incidents: [], cut: false },
  { name: "3", symbols: 3, incidents: [], cut: false },
  { name: "300", symbols: 300, incidents: [], cut: false },
  { name: "incidents", symbols: 3, incidents, cut: false },
  { name: "cut", symbols: 3, incidents: [], cut: true },
];
const looks: readonly Look[] = [390, 820, 1440, 2560].flatMap((width) =>
  (["light", "dark"] as const).flatMap((colorScheme) =>
    (["en-US", "ko-KR"] as const).map((locale) => ({ width, colorScheme, locale })),
  ),
);

const runtime = await findBrowser();
if (!runtime.ok) throw new Error(runtime.reason);
const assetsDir = join(folder, "page");
mkdirSync(folder, { recursive: true });
await buildPage(assetsDir);
const browser = await runtime.launch();
for (const scene of scenes) for (const look of looks) await takeScene(browser, scene, look);
for (const look of looks) await takeSheets(browser, look);
await browser.close();
console.log(folder);
process.exit(0);

/** One server for each picture: Chromium limits the number of open sockets. */
async function takeScene(browser: Browser, scene: Scene, look: Look): Promise<void> {
  const { name, symbols, incidents: open, cut } = scene;
  const market = fakeMarket();
  const server = createHttpServer(
    { host: "127.0.0.1", port: 0, tickMs: 250 },
    {
      ...{ status: () => statusOf(symbols, open), ...market, history: fakeHistory(symbols) },
      ...{ incidents: fakeIncidents([...open]), metrics: () => ({ text: "", contentType: "text/plain" }) },
      ...{ book: symbols === 0 ? () => null : market.book, assetsDir, log: silentLog },
    },
  );
  const { url } = await server.start();
  const opened: { page: Page; context: BrowserContext; path: string }[] = [];
  for (const view of views) {
    const context = await browser.newContext({ ...look, viewport: { width: look.width, height: 900 } });
    const page = await context.newPage();
    await page.goto(url + view);
    await page.waitForSelector('.page:not([data-freshness="none"])');
    await page.waitForTimeout(view.startsWith("/orderbook") ? 1500 : 500);
    const path = join(folder, fileOf(look, name, view));
    if (cut) opened.push({ page, context, path });
    else {
      await take(page, path);
      await context.close();
    }
  }
  await server.stop();
  if (opened.length > 0) await opened[0]?.page.waitForTimeout(2500);
  for (const { page, context, path } of opened) {
    await take(page, path);
    await context.close();
  }
}

/** The page from its top, as far down as one would scroll to get an impression. */
async function take(page: Page, path: string): Promise<void> {
  const [width, height] = await page.evaluate(() => [innerWidth, document.documentElement.scrollHeight]);
  const clip = { x: 0, y: 0, width: width ?? 0, height: Math.min(height ?? 0, deepest) };
  await page.screenshot({ path, fullPage: true, clip });
}

function statusOf(symbols: number, open: readonly Incident[]) {
  const shown = open.map((one) => ({ ...one, unit: ruleFacts[one.rule].unit, muted: false }));
  return fakeStatus(step++, symbols, { alerts: { open: shown, maintenance_until_us: null, notifies: true } });
}

async function takeSheets(browser: Browser, look: Look): Promise<void> {
  const perRow = look.width < 600 ? 6 : 3;
  const width = look.width < 600 ? 300 : 620;
  for (const { name } of scenes) {
    const pictures = views.map((view) => join(folder, fileOf(look, name, view)));
    const images = pictures.map(
      (path) => `<img width=${width} src="data:image/png;base64,${readFileSync(path, "base64")}">`,
    );
    const page = await browser.newPage({ viewport: { width: perRow * (width + 12), height: 600 } });
    await page.setContent(
      `<body style="margin:4px;background:#888;display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start">${images.join("")}`,
    );
    await page.waitForTimeout(200);
    const sheet = join(folder, `sheet-${fileOf(look, name, "")}`);
    writeFileSync(sheet, await page.screenshot({ fullPage: true }));
    await page.close();
  }
}

function fileOf({ width, colorScheme, locale }: Look, scene: string, view: string): string {
  const shown = view === "" ? "" : `-${view.slice(1).replaceAll("/", "-")}`;
  return `${width}-${colorScheme}-${locale.slice(0, 2)}-${scene}${shown}.png`;
}
