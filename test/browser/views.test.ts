import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { navigationPages, pagePath } from "../../server/domain/pages.ts";
import type {
  ArchiveDates,
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
import { percent } from "../../server/text/amounts.ts";
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

/** Labels of charts that reach beyond their drawing. It runs in the page. */
function cutLabels(): (string | null)[] {
  return [...document.querySelectorAll("svg text")]
    .filter((label) => {
      const [own, whole] = [label, label.closest("svg") as Element].map((element) => element.getBoundingClientRect());
      return own !== undefined && whole !== undefined && (own.right > whole.right + 1 || own.left < whole.left - 1);
    })
    .map((label) => label.textContent);
}

/** Headings of columns whose text touches that of the heading before. It runs in the page. */
function collidingHeadings(): (string | null)[] {
  const boxes = [...document.querySelectorAll(".book thead tr")].flatMap((row) => {
    const texts = [...row.querySelectorAll("th")].map((heading) => {
      const range = document.createRange();
      range.selectNodeContents(heading);
      return { text: heading.textContent, box: range.getBoundingClientRect() };
    });
    const shown = texts.filter(({ box }) => box.width > 2).sort((a, b) => a.box.left - b.box.left);
    return shown.map((one, n) => ({ ...one, before: shown[n - 1]?.box }));
  });
  return boxes.filter(({ box, before }) => before !== undefined && before.right + 4 > box.left).map(({ text }) => text);
}

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
        ...{ archiveDates: asked("archiveDates"), bookAt: asked("bookAt") },
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
      coverage: ".cal a, .week a",
      archive: "[data-day]",
      history: '.chart .ln[d*="L"]',
      orderbook: ".side-bids td.price:not(:empty)",
    };
    const name = view.split("/")[1] ?? "";
    await page
      .locator(view.startsWith("/coverage/") ? ".mins60" : (shown[name] ?? "h1"))
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
      expect([view, await page.evaluate(cutLabels)]).toEqual([view, []]);
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
    expect(await figure("disk")).toStartWith(`${Math.round(hardware.disk_free_bytes / 1e9)}\u00a0GB of `);
    expect(await figure("memory")).toBe(`${(hardware.process_memory_bytes / 1e6).toFixed(1)}\u00a0MB`);
    const [ofRecorder, ofMachine] = [hardware.process_cpu_cores, hardware.cpu_ratio].map((share) =>
      percent(share, "en"),
    );
    expect(await figure("cpu")).toBe(`${ofRecorder} of a core, machine ${ofMachine}`);
    expect(await figure("network")).toBe(`${Math.round((hardware.network_receive_bytes_per_s ?? 0) / 1e3)}\u00a0kB/s`);
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

  test("the month says what /api/coverage does, the arrow keys go from day to day, and a day says its minutes", async () => {
    const { page, close } = await open(`${url}/coverage`, { timezoneId: "Asia/Seoul" });
    await settled(page, "/coverage");
    const month = new Date().toISOString().slice(0, 7);
    const { dates, rows } = await get<CoverageTable>(`/api/coverage?from=${month}-01`);
    for (const { symbol, missing_s } of rows) {
      const row = page.locator(`.cal [data-symbol="${symbol}"]`);
      await row.locator("a").first().waitFor();
      for (const [n, date] of dates.entries()) {
        const label = (await row.locator(`a[data-date="${date}"] .unseen`).textContent()) ?? "";
        expect([date, label.endsWith(": complete")]).toEqual([date, missing_s[n] === 0]);
        expect([date, label.endsWith("missing")]).toEqual([date, missing_s[n] !== 0]);
      }
    }
    const last = dates.at(-1) ?? "";
    await page.locator('.cal a[tabindex="0"]').focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await until(async () => page.url().endsWith(`/coverage/ETHUSDT/${last}`), "the day's own address");
    await settled(page, "/coverage/x");
    const detail = await get<DayDetail>(`/api/coverage/depth20/ETHUSDT/${dayBefore}`);
    await page.goto(`${url}/coverage/ETHUSDT/${dayBefore}`);
    await settled(page, "/coverage/x");
    await page.getByRole("slider").fill("754");
    const rowsThen = `${detail.rows_per_minute[754]} rows`;
    await until(async () => (await text(page, ".day-said .said")).includes(rowsThen), "the rows of 12:34");
    expect(await text(page, ".cross-text")).toStartWith("12:34 UTC");
    // A day is a UTC day; local times stand beside it, and say so.
    expect(await text(page, "#hour-title")).toBe("12:00 to 13:00 UTC");
    expect(await text(page, "#hour-title ~ .soft")).toBe("21:00 to 22:00 KST");
    const headings = await page.locator(".gaps th").allTextContents();
    expect(headings).toEqual(expect.arrayContaining(["From, UTC", "To, UTC", "From, KST"]));
    await close();
  }, 60_000);

  test("the archive says what /api/archives does by day and file, hands out both, and checks a file where it is", async () => {
    const { page, close } = await open(`${url}/archive`);
    await settled(page, "/archive");
    const days = await get<ArchiveDates>("/api/archives/days");
    expect(await page.locator("[data-day]").count()).toBe(days.items.length);
    const [newest] = days.items;
    const { items } = await get<{ items: ArchiveSummary[] }>(`/api/archives?date=${newest?.date}`);
    await page.locator(".opener").first().click();
    await page.locator("[data-archive]").first().waitFor();
    expect(await page.locator("[data-archive]").count()).toBe(items.length);
    const [first] = items;
    const row = page.locator(`[data-archive="${first?.stream}/${first?.symbol}/${first?.date}"]`);
    expect(await row.locator('[data-label="rows"]').textContent()).toBe(first?.rows.toLocaleString("en") ?? "");
    expect(await row.getByRole("button", { name: /Copy SHA-256/ }).getAttribute("title")).toBe(first?.sha256 ?? "");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      row.getByRole("link", { name: "File", exact: true }).click(),
    ]);
    expect(readFileSync((await download.path()) ?? "", "utf8")).toBe("an archive");
    await page.locator("[data-day] summary").first().click();
    const whole = page.getByRole("link", { name: /^Everything/ }).first();
    expect(await whole.getAttribute("href")).toEndWith(`/api/archives/days/${newest?.date}/tar`);
    await page.keyboard.press("Escape");
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
    await until(async () => {
      const shown = await page.locator("[data-archive]").evaluateAll((all) => all.map((one) => one.textContent ?? ""));
      return shown.length > 0 && shown.every((one) => one.includes("ETHUSDT"));
    }, "the filter");
    past = fakeHistory(3);
    await close();
  }, 60_000);

  test("the charts of the history hold the values of /api/series, a drag zooms, Esc goes back, gaps are found by cause", async () => {
    const { page, close } = await open(`${url}/history`);
    await settled(page, "/history");
    await page.getByRole("button", { name: "Hour", exact: true }).click();
    const { values } = await get<SeriesView>("/api/series");
    const memory = values.memory_bytes.map((bytes) => (bytes ?? 0) / 1e6);
    const chart = page.getByRole("img", { name: /^Memory, MB/ });
    const [least, most] = [Math.min(...memory), Math.max(...memory)].map((value) => value.toFixed(1));
    const wanted = `least ${least}, most ${most}`;
    await until(async () => ((await chart.getAttribute("aria-label")) ?? "").includes(wanted), wanted);
    await page.getByRole("button", { name: "Week", exact: true }).click();
    await page.getByLabel("Cause").selectOption("crash");
    await until(async () => {
      const causes = await page
        .locator(".gaps tbody tr")
        .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-cause")));
      return causes.length > 0 && causes.every((cause) => cause === "crash");
    }, "only crashes");
    const box = await page.locator(".multi .over").boundingBox();
    const span = () => text(page, "#gaps-title + .soft");
    const whole = await span();
    await page.mouse.move((box?.x ?? 0) + 200, (box?.y ?? 0) + 100);
    await page.mouse.down();
    await page.mouse.move((box?.x ?? 0) + 400, (box?.y ?? 0) + 100);
    await page.mouse.up();
    await until(async () => (await span()) !== whole, "a shorter time span");
    await page.keyboard.press("Escape");
    await until(async () => (await span()) === whole, "the whole week again");
    await close();
  }, 60_000);

  test("the book moves ten times a second, its tape is the trades, and a lost connection is said and healed", async () => {
    const { page, close } = await open(`${url}/orderbook/BTCUSDT`);
    await settled(page, "/orderbook/BTCUSDT");
    await page.evaluate(() => {
      const seen = { prices: 0 };
      Object.assign(window, { seen });
      const cell = document.querySelector(".side-bids td.price");
      if (cell !== null)
        new MutationObserver(() => seen.prices++).observe(cell, { characterData: true, subtree: true });
    });
    await until(
      async () => (await page.evaluate(() => (window as unknown as { seen: { prices: number } }).seen.prices)) >= 20,
      "20 changes",
    );
    expect(await page.locator(".tape tbody tr").count()).toBe(20);
    for (const width of [740, 820, 1180, 1440]) {
      await page.setViewportSize({ width, height: 844 });
      const reaches = () => page.evaluate(() => document.documentElement.scrollWidth);
      await until(async () => (await reaches()) === width, `a page of ${width} px`);
      expect([width, await page.evaluate(collidingHeadings)]).toEqual([width, []]);
    }
    await server.stop();
    await until(async () => (await page.locator(".notice.bad").count()) > 0, "that the book is not live", 10_000);
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
    await page.getByRole("link", { name: "Coverage", exact: true }).click();
    await settled(page, "/coverage");
    await page.reload();
    await settled(page, "/coverage");
    expect([await theme(), new URL(page.url()).pathname]).toEqual(["dark", "/rt/coverage"]);
    expect(complaints).toEqual([]);
    await close();
    await proxy.stop(true);
  }, 60_000);
});
