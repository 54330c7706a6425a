import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import type { DemoState } from "../../server/domain/demo.ts";
import type { History } from "../../server/domain/queries.ts";
import type { Status } from "../../server/domain/status.ts";
import { createHttpServer, type HttpServer } from "../../server/http/server.ts";
import { silentLog } from "../../server/platform/log/log.ts";
import { findBrowser } from "../support/browser/browser.ts";
import { buildPage } from "../support/browser/build-page.ts";
import { prefixProxy } from "../support/browser/prefix-proxy.ts";
import { fakeIncidents } from "../support/fakes/fake-incidents.ts";
import { fakeStatus, fakeSymbolName } from "../support/fakes/fake-status.ts";
import { wholeHistory } from "../support/fakes/whole-history.ts";
import { until } from "../support/wait.ts";

const runtime = await findBrowser();
const title = runtime.ok ? "the page in a real browser" : `the page in a real browser (skipped: ${runtime.reason})`;

const well = "Recording 3 symbols. Nothing is missing today.";

/** The exchange's own digits, as a book has them. */
const book = '{"lastUpdateId":7,"bids":[["86704.77000000","4.67805000"]],"asks":[["86704.79000000","0.10000000"]]}';

const instrument = { base: "BTC", quote: "USDT", tick_size: "0.01000000", step_size: "0.00001000", status: "HALT" };

describe.skipIf(!runtime.ok)(title, () => {
  let browser: Browser;
  let assetsDir: string;
  let step = 0;
  let status: () => Status = () => fakeStatus(step, 3);
  const past: () => History = () => wholeHistory(3);
  const servers: HttpServer[] = [];
  let demo: DemoState = {
    ...{ data_dir: "./demo-data", cut_until_us: null, next_cut_us: null, past: 1 },
    next: [{ what: "list", command: "rt-data ls --data-dir ./demo-data" }],
  };
  function cutDemo(): DemoState {
    demo = { ...demo, cut_until_us: (Date.now() + 60_000) * 1000 };
    return demo;
  }

  beforeAll(async () => {
    assetsDir = mkdtempSync(join(tmpdir(), "rt-data-page-"));
    await buildPage(assetsDir);
    if (runtime.ok) browser = await runtime.launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) await server.stop();
    rmSync(assetsDir, { recursive: true, force: true });
  });

  function serve(port = 0, tickMs = 100) {
    const server = createHttpServer(
      { host: "127.0.0.1", port, tickMs },
      {
        status: () => status(),
        book: (symbol) =>
          symbol === "BTCUSDT"
            ? { symbol, recv_us: 1763800000123456, net_delay_ms: 114, book }
            : symbol === "ETHUSDT"
              ? "no_data"
              : null,
        instrument: () => ({ recvUs: 1763800000000000, instrument }),
        trades: () => ({ trades: [], count: 0 }),
        history: past(),
        metrics: () => ({ text: "", contentType: "text/plain" }),
        demo: { state: () => demo, cut: () => cutDemo() },
        incidents: fakeIncidents(),
        assetsDir,
        log: silentLog,
      },
    );
    servers.push(server);
    return server;
  }

  async function open(url: string, locale = "en-US", width = 1280) {
    const context = await browser.newContext({ locale, viewport: { width, height: 844 } });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(url);
    return { page, complaints, close: () => context.close() };
  }

  const text = async (page: Page, selector: string) => ((await page.textContent(selector)) ?? "").trim();
  const figure = (page: Page, name: string) => text(page, `[data-figure="${name}"] b`);
  const sentence = (page: Page) => text(page, ".headline h1");

  test("the numbers are those of /api/status, and change with them", async () => {
    step = 5;
    const { url } = await serve().start();
    const { page, complaints, close } = await open(url);
    await until(async () => (await sentence(page)) === well, "the good news");
    for (const next of [5, 1000]) {
      step = next;
      const wanted = fakeStatus(next, 3).totals.records.toLocaleString("en");
      await until(async () => (await figure(page, "records")) === wanted, `${wanted} records on the page`);
      const answer = (await (await fetch(`${url}/api/status`)).json()) as Status;
      expect(answer.totals.records.toLocaleString("en")).toBe(wanted);
      expect(await text(page, '[data-count="segments_sealed"] span:last-child')).toBe(
        answer.archive.segments_sealed.toLocaleString("en"),
      );
      expect(await text(page, '[data-symbol="BTCUSDT"] [data-column="rate"]')).toBe(
        `${answer.symbols[0]?.messages_per_s.toFixed(1)}/s`,
      );
    }
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("a stopped server is said within seconds; when it is back the page is, by itself", async () => {
    const first = serve();
    const { url, port } = await first.start();
    const { page, close } = await open(url);
    await until(async () => (await sentence(page)) === well, "the good news");
    const kept = await figure(page, "records");
    await first.stop();
    await until(
      async () => /^No contact with the recorder for \d+\u00a0s\.$/.test(await sentence(page)),
      "the bad news",
      10_000,
    );
    expect(await text(page, ".headline .why")).toStartWith("This page cannot tell whether it still records.");
    await until(async () => (await page.title()).startsWith("✕ "), "the title to say so");
    await until(async () => (await page.locator(".asof").count()) === 1, "the time of what is shown");
    expect(await page.getAttribute(".page", "data-freshness")).toBe("old");
    expect(await figure(page, "records")).toBe(kept);
    step += 1;
    await serve(port).start();
    await until(async () => (await sentence(page)) === well, "the page to recover", 30_000);
    await until(async () => (await figure(page, "records")) !== kept, "new numbers");
    await until(async () => (await page.getAttribute(".page", "data-freshness")) === "live", "live figures");
    await until(async () => (await page.title()) === "RT-Data", "the title to recover");
    await close();
  }, 60_000);

  test("a recorder of another version brings its own page", async () => {
    status = () => fakeStatus(step, 3, { version: "0.1.0" });
    const first = serve();
    const { url, port } = await first.start();
    const { page, close } = await open(url);
    await until(async () => (await sentence(page)) === well, "the good news");
    await page.evaluate(() => Object.assign(window, { isOldPage: true }));
    await first.stop();
    status = () => fakeStatus(step, 3, { version: "0.2.0" });
    await serve(port).start();
    await until(
      async () => (await page.evaluate(() => !("isOldPage" in window)).catch(() => false)) === true,
      "the page to load again",
      30_000,
    );
    await until(async () => (await sentence(page)) === well, "the good news again");
    await close();
  }, 60_000);

  test("a server that hangs with its connection open is said too", async () => {
    const hanging = serve(0, 60_000);
    const { url } = await hanging.start();
    const { page, close } = await open(url);
    await until(async () => (await sentence(page)) === well, "the good news");
    await until(async () => (await sentence(page)).startsWith("No contact with the recorder"), "the doubt", 3000);
    await close();
  }, 60_000);

  test("what is wrong is the headline, in the recorder's words", async () => {
    const reasons = ["connection 1 to stream.binance.com:9443 is waiting: refused", "no data received for 95 s"];
    status = () => fakeStatus(step, 3, { ready: false, reasons });
    const { url } = await serve().start();
    const { page, close } = await open(url);
    await until(async () => (await sentence(page)) === "Not recording as it should.", "the bad news");
    expect(await page.locator(".headline .why > span:not(.maintenance)").allTextContents()).toEqual([
      "connection 1 to stream.binance.com:9443 is waiting: refused",
      "no data received for 95\u00a0s",
    ]);
    const korean = await open(url, "ko-KR");
    await until(
      async () => (await sentence(korean.page)) === "정상적으로 기록하지 못하고 있습니다.",
      "the bad news in Korean",
    );
    expect(await korean.page.locator(".headline .why > span:not(.maintenance)").allTextContents()).toEqual([
      "연결 1(stream.binance.com:9443) 재연결 대기: refused",
      "95초째 데이터가 오지 않습니다",
    ]);
    await korean.close();
    status = () => fakeStatus(step, 0);
    await until(async () => (await sentence(page)) === "No symbols are recorded.", "the empty state");
    expect(await text(page, ".headline .why")).toContain("record.symbols");
    status = () => fakeStatus(step, 3);
    await until(async () => (await sentence(page)) === well, "the good news");
    await close();
  }, 60_000);

  test("it speaks the browser's language, the other on request, and remembers it", async () => {
    const { url } = await serve().start();
    const { page, complaints, close } = await open(url, "ko-KR");
    await until(
      async () => (await sentence(page)) === "심볼 3개를 기록하고 있습니다. 오늘 누락된 것이 없습니다.",
      "the good news in Korean",
    );
    expect(await page.getAttribute("html", "lang")).toBe("ko");
    await page.getByRole("button", { name: "English" }).click();
    await until(async () => (await sentence(page)) === well, "the good news in English");
    await page.reload();
    await until(async () => (await sentence(page)) === well, "English after a reload");
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("300 symbols can be sorted and filtered, and only texts that changed and can be seen are drawn", async () => {
    status = () => fakeStatus(step, 300);
    const { url } = await serve().start();
    const { page, complaints, close } = await open(url);
    const names = () =>
      page.locator("tbody [data-symbol]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-symbol")));
    await until(async () => (await names()).length === 300, "300 rows");
    const all = Array.from({ length: 300 }, (_, index) => fakeSymbolName(index));
    expect(await names()).toEqual(all);
    await page.getByRole("button", { name: "Symbol", exact: true }).first().click();
    await until(async () => (await names())[0] === [...all].sort()[0], "the order of names");
    expect(await page.getAttribute('th[data-column="symbol"]', "aria-sort")).toBe("ascending");
    await page.getByRole("searchbox").fill("doge1");
    await until(async () => (await names()).every((name) => name?.startsWith("DOGE1")), "the filter");
    expect(await names()).toHaveLength(all.filter((name) => name.includes("DOGE1")).length);
    await page.getByRole("searchbox").fill("nothing like this");
    await page.getByRole("button", { name: "Clear filter" }).click();
    await until(async () => (await names()).length === 300, "300 rows again");

    await page.evaluate(() => {
      const seen = { nodes: 0, texts: 0 };
      Object.assign(window, { seen });
      const rows = document.querySelector(".split");
      if (rows === null) return;
      new MutationObserver((changes) => {
        for (const change of changes) {
          if (change.type === "childList") seen.nodes += change.addedNodes.length;
          else seen.texts += 1;
        }
      }).observe(rows, { subtree: true, childList: true, characterData: true });
    });
    step += 1;
    const seen = () => page.evaluate(() => (window as unknown as { seen: { nodes: number; texts: number } }).seen);
    await until(async () => (await seen()).texts > 20, "new numbers");
    expect((await seen()).nodes).toBe(0);
    expect((await seen()).texts).toBeLessThan(9 * 200);
    const last = page.locator("tbody [data-symbol]").last();
    await last.scrollIntoViewIfNeeded();
    const name = await last.getAttribute("data-symbol");
    const rate = fakeStatus(step, 300)
      .symbols.find(({ symbol }) => symbol === name)
      ?.messages_per_s.toFixed(1);
    await until(
      async () => (await last.locator('[data-column="rate"]').textContent()) === `${rate}/s`,
      "the newest figure in a row that has come into view",
    );
    expect(complaints).toEqual([]);
    status = () => fakeStatus(step, 3);
    await close();
  }, 60_000);

  test("a symbol leads to its book and back, also under a path that a proxy puts before", async () => {
    const { port } = await serve().start();
    const proxy = prefixProxy(port, "/rt");
    const { page, complaints, close } = await open(`http://127.0.0.1:${proxy.port}/rt/`);
    await until(async () => (await sentence(page)) === well, "the live numbers through the proxy");
    await page.getByRole("link", { name: "BTCUSDT" }).first().click();
    await until(async () => (await text(page, ".side-bids td.price")) === "86,704.77", "the bids");
    expect(new URL(page.url()).pathname).toBe("/rt/orderbook/BTCUSDT");
    expect(await text(page, '[data-fact="spread"] dd')).toStartWith("0.02");
    expect(await text(page, '[data-fact="mid"]')).toContain("86,704.780");
    // What the exchange states about the symbol. Its status is only shown if it is not traded.
    await until(
      async () => /Tick size 0\.01\s*Step size 0\.00001\s*HALT$/.test(await text(page, ".machine.streams")),
      "the facts about the symbol",
    );
    await page.reload();
    await until(async () => (await text(page, ".side-asks td.price")) === "86,704.79", "the asks after a reload");
    await page.goBack();
    await until(async () => (await sentence(page)) === well, "the overview");
    expect(complaints).toEqual([]);
    await close();
    await proxy.stop(true);
  }, 60_000);

  test("a demo says so, cuts its connection when asked and counts down, and its strip can be closed", async () => {
    status = () => fakeStatus(step, 3, { mode: "demo" });
    const { url } = await serve().start();
    const { page, close } = await open(url);
    await page.getByText("This is a demo.").waitFor();
    await page.getByText("What to try next").click();
    await page.getByText("rt-data ls --data-dir ./demo-data").waitFor();
    const phone = await open(url, "en-US", 390);
    const button = await phone.page.getByRole("button", { name: "Close" }).boundingBox();
    expect((button?.x ?? 390) + (button?.width ?? 0)).toBeLessThanOrEqual(390);
    await phone.close();
    await page.getByRole("button", { name: "Cut the connection" }).click();
    await page.getByRole("button", { name: /^Back in \d+ s$/ }).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await page.reload();
    await until(async () => (await sentence(page)) === well, "the page again");
    expect(await page.locator(".demo").count()).toBe(0);
    status = () => fakeStatus(step, 3);
    await close();
  }, 60_000);

  test("a book that is not there is explained", async () => {
    const { url } = await serve().start();
    const { page, close } = await open(`${url}/orderbook/NOPEUSDT`);
    await until(
      async () => (await text(page, ".notice strong")) === "NOPEUSDT is not recorded here.",
      "the explanation",
    );
    await page.goto(`${url}/orderbook/ethusdt`);
    await until(
      async () => (await text(page, ".notice strong")) === "No book of ETHUSDT yet.",
      "the other explanation",
    );
    await close();
  }, 60_000);

  test("an unknown address, a day that does not exist and the book without a symbol lead somewhere", async () => {
    const { url } = await serve().start();
    for (const [path, sentence] of [
      ["/nowhere", "There is no such page."],
      ["/coverage/FOO/2026-99-99", "There is no day 2026-99-99."],
    ] as const) {
      const { page, close } = await open(url + path);
      await until(async () => (await text(page, ".message h1")) === sentence, sentence);
      await page.getByRole("link", { name: "To the overview" }).click();
      await until(async () => (await page.locator(".headline h1").count()) === 1, "the overview");
      await close();
    }
    const { page, close } = await open(`${url}/orderbook`);
    await until(async () => page.url() === `${url}/orderbook/BTCUSDT`, "the first symbol's book");
    await close();
  }, 60_000);

  test("a view that fails says so and can be tried again, and the rest of the page stays", async () => {
    const { url } = await serve().start();
    const { page, close } = await open(url);
    await until(async () => (await sentence(page)) === well, "the good news");
    await page.route("**/api/archives/days?*", (route) =>
      route.fulfill({ json: { items: [{ date: null }], next: null, total: null } }),
    );
    await page.getByRole("link", { name: "Archive", exact: true }).click();
    await until(async () => (await text(page, ".message h1")) === "This view failed.", "the failure");
    await page.unroute("**/api/archives/days?*");
    await page.getByRole("link", { name: "Overview" }).click();
    await until(async () => (await sentence(page)) === well, "the overview again");
    await close();
  }, 60_000);

  test("on a phone nothing is wider than the screen, in either view", async () => {
    const { url } = await serve().start();
    for (const path of ["/dashboard", "/orderbook/BTCUSDT"]) {
      const { page, close } = await open(url + path, "ko-KR", 390);
      await until(async () => (await page.locator("[data-symbol], .side-bids tbody tr").count()) > 0, "content");
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await close();
    }
  }, 60_000);
});
