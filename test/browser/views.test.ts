import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { navigationPages, pagePath } from "../../server/domain/pages.ts";
import type {
  ArchiveSummary,
  CoverageTable,
  DayDetail,
  History,
  SeriesView,
  TodayCoverage,
} from "../../server/domain/queries.ts";
import type { Status } from "../../server/domain/status.ts";
import { createHttpServer, type HttpServer } from "../../server/http/server.ts";
import { silentLog } from "../../server/platform/log/log.ts";
import { violations } from "../support/browser/axe.ts";
import { findBrowser } from "../support/browser/browser.ts";
import { buildPage } from "../support/browser/build-page.ts";
import { type Look, openPage } from "../support/browser/open-page.ts";
import { prefixProxy } from "../support/browser/prefix-proxy.ts";
import { fakeHistory } from "../support/fakes/fake-history.ts";
import { fakeIncidents } from "../support/fakes/fake-incidents.ts";
import { fakeMarket } from "../support/fakes/fake-market.ts";
import { fakeStatus } from "../support/fakes/fake-status.ts";
import { until } from "../support/wait.ts";

const runtime = await findBrowser();
const title = runtime.ok ? "the views in a real browser" : `the views in a real browser (skipped: ${runtime.reason})`;
const dayBefore = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
/** Rows of a page of gaps or archives. */
const rowsShown = 10;
/** Every page of the navigation, and those below. */
const views = [
  ...navigationPages.map((page) => `/${pagePath(page)}`),
  `/${pagePath("day", { symbol: "BTCUSDT", date: dayBefore })}`,
  `/${pagePath("orderbook", { symbol: "BTCUSDT" })}`,
];

describe.skipIf(!runtime.ok)(title, () => {
  let browser: Browser;
  let folder: string;
  let server: HttpServer;
  let deps: Parameters<typeof createHttpServer>[1];
  let url: string;
  let port: number;
  let past: History = fakeHistory(3);
  const market = fakeMarket();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "rt-data-views-"));
    await buildPage(folder);
    writeFileSync(join(folder, "archive.bin"), "an archive");
    if (runtime.ok) browser = await runtime.launch();
    const asked = <K extends keyof History>(name: K) =>
      ((...question: never[]) => (past[name] as (...of: never[]) => unknown)(...question)) as History[K];
    deps = {
      status: () => fakeStatus(7, 3),
      ...market,
      history: {
        ...{ series: asked("series"), events: asked("events") },
        // axe looks at each cell: a hundred rows of the same form cost seconds and show no more than ten.
        gaps: (query, limit, after) => past.gaps(query, Math.min(limit, rowsShown), after),
        archives: (query, limit, after) => past.archives(query, Math.min(limit, rowsShown), after),
        ...{ archive: asked("archive"), coverage: asked("coverage"), today: asked("today"), day: asked("day") },
        ...{ verify: asked("verify"), verification: asked("verification"), mids: asked("mids") },
        archiveDates: asked("archiveDates"),
        files: () => ({ archive: join(folder, "archive.bin"), manifest: join(folder, "archive.bin") }),
      },
      metrics: () => ({ text: "", contentType: "text/plain" }),
      incidents: fakeIncidents(),
      assetsDir: folder,
      log: silentLog,
    };
    server = createHttpServer({ host: "127.0.0.1", port: 0, tickMs: 100 }, deps);
    ({ url, port } = await server.start());
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(address: string, look: Look = {}) {
    const opened = await openPage(browser, address, look);
    await opened.page.locator("h1").first().waitFor();
    return opened;
  }

  /** Loads each view in turn in one tab, and calls `check` with it. Returns what the browser complained of, by view. */
  async function tour(look: Look, check: (page: Page, view: string) => Promise<void>): Promise<string[][]> {
    const [first = "", ...others] = views;
    const { page, complaints, close } = await open(url + first, look);
    const heard: string[][] = [];
    for (const view of [first, ...others]) {
      if (view !== first) await page.goto(url + view);
      await settled(page, view);
      await check(page, view);
      heard.push(...complaints.splice(0).map((complaint) => [view, complaint]));
    }
    await close();
    return heard;
  }

  const get = async <T>(path: string) => (await (await fetch(url + path)).json()) as T;
  const freshness = (page: Page) => page.getAttribute(".page", "data-freshness");
  const text = async (page: Page, selector: string) => ((await page.textContent(selector)) ?? "").trim();

  async function settled(page: Page, view: string): Promise<void> {
    const shown: Record<string, string> = {
      dashboard: '.days [data-l="today"], .days [data-l="part"]',
      coverage: ".grid a.cell",
      archive: "[data-archive]",
      history: '.chart .ln[d*="L"]',
      orderbook: ".side-bids .price:not(:empty)",
    };
    const name = view.split("/")[1] ?? "";
    await page
      .locator(view.startsWith("/coverage/") ? ".minute-grid" : (shown[name] ?? "h1"))
      .first()
      .waitFor({ state: "attached" });
    await until(async () => (await freshness(page)) === "live", "what is shown to be live");
  }

  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe has nothing against any view in ${colorScheme}, and nothing complains`, async () => {
      const locale = colorScheme === "dark" ? "ko-KR" : "en-US";
      const heard = await tour({ colorScheme, locale }, async (page, view) => {
        expect([view, await violations(page)]).toEqual([view, []]);
      });
      expect(heard).toEqual([]);
    }, 60_000);
  }

  for (const colorScheme of ["light", "dark"] as const) {
    test(`what is old stays readable in ${colorScheme}, and what is still to come: axe has nothing against either`, async () => {
      const looked = ["/dashboard", "/history", "/orderbook/BTCUSDT"];
      const pages = await Promise.all(looked.map((view) => open(url + view, { colorScheme })));
      for (const [n, view] of looked.entries()) await settled((pages[n] as (typeof pages)[number]).page, view);
      await server.stop();
      for (const [n, { page, close }] of pages.entries()) {
        await until(async () => (await freshness(page)) === "old", "the page to notice");
        expect([looked[n], await violations(page)]).toEqual([looked[n], []]);
        await close();
      }
      ({ url, port } = await server.start());
      const { page, close } = await open(`${url}/dashboard`, { colorScheme, silent: true });
      expect([await freshness(page), await violations(page)]).toEqual(["none", []]);
      await close();
    }, 60_000);
  }

  test("on a phone nothing is wider than the screen in any view, and axe has nothing against it", async () => {
    await tour({ locale: "ko-KR", width: 390 }, async (page, view) => {
      expect([view, await violations(page)]).toEqual([view, []]);
      expect([view, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([view, 390]);
    });
  }, 60_000);

  test("each figure of the overview is the API's at that moment", async () => {
    const { page, close } = await open(`${url}/dashboard`);
    await settled(page, "/dashboard");
    const status = await get<Status>("/api/status");
    const today = await get<TodayCoverage>("/api/coverage/today");
    const { hardware, totals } = status;
    const figure = async (name: string) => text(page, `[data-figure="${name}"] b`);
    expect(await figure("records")).toBe(totals.records.toLocaleString("en"));
    expect(await figure("disk")).toStartWith(`${Math.round(hardware.disk_free_bytes / 1e9)} GB of `);
    expect(await figure("memory")).toBe(`${(hardware.process_memory_bytes / 1e6).toFixed(1)} MB`);
    expect(await figure("cpu")).toEndWith(`machine ${Math.round(hardware.cpu_ratio * 100)}%`);
    expect(await figure("network")).toBe(`${Math.round((hardware.network_receive_bytes_per_s ?? 0) / 1e3)} kB/s`);
    expect(await text(page, ".headline .why")).toContain(`${totals.messages_per_s.toFixed(1)} messages a second`);
    for (const symbol of status.symbols) {
      const cell = async (column: string) =>
        Number.parseFloat(
          ((await page.textContent(`[data-symbol="${symbol.symbol}"] [data-column="${column}"]`)) ?? "")
            .replace(/^Today /, "")
            .replaceAll(",", ""),
        );
      expect(await cell("rate")).toBe(Number(symbol.messages_per_s.toFixed(1)));
      expect(await cell("p99")).toBe(Math.round(symbol.delay_p99_ms ?? Number.NaN));
      const shares = today.days.filter((day) => day.symbol === symbol.symbol).map(({ coverage }) => coverage ?? 1);
      expect(await cell("coverageToday")).toBeCloseTo(Math.min(...shares) * 100, 0);
    }
    await close();
  }, 60_000);

  test("the calendar says what /api/coverage does, the arrow keys go from day to day, and a day says its minutes", async () => {
    const { page, close } = await open(`${url}/coverage`);
    await settled(page, "/coverage");
    const { dates, rows } = await get<CoverageTable>("/api/coverage");
    for (const { symbol, coverage } of rows) {
      const labels = await page.locator(`[data-symbol="${symbol}"] a.cell`).allTextContents();
      expect(labels).toHaveLength(31);
      for (const [n, label] of labels.entries()) {
        const share = coverage[n] ?? null;
        const shown = /: (.*)$/.exec(label)?.[1] ?? "";
        expect(Math.abs(Number.parseFloat(shown) / 100 - (share ?? 0))).toBeLessThan(0.001);
        expect(shown === "100%").toBe(share === 1);
      }
    }
    await page.locator('.grid a.cell[tabindex="0"]').focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await until(async () => page.url().includes("/coverage/ETHUSDT/"), "the day's own address");
    expect(page.url()).toEndWith(`/coverage/ETHUSDT/${dates.at(-2)}`);
    await settled(page, "/coverage/x");
    const detail = await get<DayDetail>(`/api/coverage/depth20/ETHUSDT/${dates.at(-2)}`);
    const rowCount = detail.rows_per_minute.reduce((sum, count) => sum + count, 0);
    await page.getByRole("tab", { name: /depth20/ }).click();
    await until(
      async () => (await text(page, ".figures .quiet")) === `${rowCount.toLocaleString("en")} rows`,
      "the day's rows",
    );
    await page.getByRole("slider").fill("754");
    await until(
      async () => (await text(page, ".minute-grid .said")).startsWith("12:34 UTC · recorded · "),
      "what is known of 12:34",
    );
    expect(await text(page, ".minute-grid .said")).toContain(`${detail.rows_per_minute[754]} rows`);
    await close();
  }, 60_000);

  test("the archive says what /api/archives does, hands out the file, and checks it where it is", async () => {
    const { page, close } = await open(`${url}/archive`);
    await settled(page, "/archive");
    const { items } = await get<{ items: ArchiveSummary[] }>("/api/archives");
    expect(await page.locator("[data-archive]").count()).toBe(items.length);
    const [first] = items;
    const row = page.locator(`[data-archive="${first?.stream}/${first?.symbol}/${first?.date}"]`);
    expect(await row.locator('[data-label="Rows"]').textContent()).toBe(first?.rows.toLocaleString("en") ?? "");
    expect(await row.getByRole("button", { name: /Copy SHA-256/ }).getAttribute("title")).toBe(first?.sha256 ?? "");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      row.getByRole("link", { name: "Download" }).click(),
    ]);
    expect(readFileSync((await download.path()) ?? "", "utf8")).toBe("an archive");
    let share = 0.25;
    const day = { stream: first?.stream ?? "", symbol: first?.symbol ?? "", date: first?.date ?? "" };
    past = {
      ...past,
      verify: () => "started",
      verification: () =>
        share < 1
          ? { kind: "running", day, progress: share, started_us: 1 }
          : {
              kind: "done",
              day,
              started_us: 1,
              ended_us: 2,
              problems: [{ kind: "rows", detail: "rows: 3; the manifest states 4" }],
            },
    };
    await row.getByRole("button", { name: "Verify" }).click();
    await until(async () => (await row.getByRole("button", { name: "Verifying 25%" }).count()) === 1, "progress");
    share = 1;
    await until(async () => (await row.locator(".outcome").count()) === 1, "the outcome");
    expect(await row.locator(".outcome").textContent()).toContain("rows: 3; the manifest states 4");
    await page.getByRole("searchbox").fill("ethusdt");
    await page.getByRole("searchbox").press("Enter");
    await until(async () => !(await page.locator("table").textContent())?.includes("BTCUSDT"), "the filter");
    past = fakeHistory(3);
    await close();
  }, 60_000);

  test("the charts of the history hold the values of /api/series, and gaps are found by cause", async () => {
    const { page, close } = await open(`${url}/history`);
    await settled(page, "/history");
    const { values } = await get<SeriesView>("/api/series");
    const memory = values.memory_bytes.map((bytes) => (bytes ?? 0) / 1e6);
    const chart = page.getByRole("img", { name: /^Memory, MB/ });
    const [least, most] = [Math.min(...memory), Math.max(...memory)].map((value) => value.toFixed(1));
    expect(await chart.getAttribute("aria-label")).toContain(`least ${least}, most ${most}`);
    await page.getByLabel("Cause").selectOption("crash");
    await until(async () => {
      const causes = await page
        .locator(".gaps tbody tr")
        .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-cause")));
      return causes.length > 0 && causes.every((cause) => cause === "crash");
    }, "only crashes");
    await page.getByRole("button", { name: "Last week" }).click();
    await until(
      async () => (await page.getByRole("button", { name: "Last week" }).getAttribute("aria-pressed")) === "true",
      "the week",
    );
    await close();
  }, 60_000);

  test("the book moves ten times a second, its tape is the trades, and a lost connection is said and healed", async () => {
    const { page, close } = await open(`${url}/orderbook/BTCUSDT`);
    await settled(page, "/orderbook/BTCUSDT");
    await page.evaluate(() => {
      const seen = { prices: 0 };
      Object.assign(window, { seen });
      const cell = document.querySelector(".side-bids .price");
      if (cell !== null)
        new MutationObserver(() => seen.prices++).observe(cell, { characterData: true, subtree: true });
    });
    const from = performance.now();
    await until(
      async () => (await page.evaluate(() => (window as unknown as { seen: { prices: number } }).seen.prices)) >= 20,
      "20 changes",
    );
    expect(performance.now() - from).toBeLessThan(4500);
    expect(await page.locator(".tape tbody tr").count()).toBe(20);
    await server.stop();
    await until(async () => (await page.locator(".notice.bad").count()) > 0, "that the book is not live", 2000);
    await server.stop();
    const again = await server.start();
    expect(again.port).not.toBe(0);
    ({ url, port } = again);
    await close();
  }, 60_000);

  test("every view says within two seconds that the recorder is gone, and heals by itself", async () => {
    const pages = await Promise.all(["/coverage", "/archive", "/history"].map((view) => open(url + view)));
    await until(async () => {
      const found = await Promise.all(pages.map(({ page }) => freshness(page)));
      return found.every((one) => one === "live");
    }, "all to be live");
    await server.stop();
    const said = async (count: number) =>
      (await Promise.all(pages.map(({ page }) => page.locator("[data-old]").count()))).every(
        (found) => found === count,
      );
    await until(() => said(1), "each to say so", 4000);
    const healing = createHttpServer({ host: "127.0.0.1", port, tickMs: 100 }, deps);
    await healing.start();
    await until(() => said(0), "each to heal", 30_000);
    for (const { close } of pages) await close();
    await healing.stop();
    ({ url, port } = await server.start());
  }, 60_000);

  test("colours, time zone and views are chosen once, and hold after a reload, under a proxy's path as well", async () => {
    const proxy = prefixProxy(port, "/rt");
    const { page, complaints, close } = await open(`http://127.0.0.1:${proxy.port}/rt/dashboard`);
    const theme = () => page.getAttribute("html", "data-theme");
    await page.getByRole("button", { name: /^Colours/ }).click();
    await page.getByRole("button", { name: /^Colours/ }).click();
    expect(await theme()).toBe("dark");
    await page.getByRole("link", { name: "History" }).click();
    await settled(page, "/history");
    await page.getByRole("link", { name: "Coverage" }).click();
    await settled(page, "/coverage");
    await page.reload();
    await settled(page, "/coverage");
    expect([await theme(), new URL(page.url()).pathname]).toEqual(["dark", "/rt/coverage"]);
    expect(complaints).toEqual([]);
    await close();
    await proxy.stop(true);
  }, 60_000);
});
