import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { byGravity, type Incident } from "../../server/domain/incidents/incident.ts";
import { incidentRules, ruleFacts } from "../../server/domain/incidents/incident-rules.ts";
import { createHttpServer, type HttpServer } from "../../server/http/server.ts";
import { silentLog } from "../../server/platform/log/log.ts";
import { incidentCost } from "../../server/text/rules/rule-words.ts";
import { violations } from "../support/browser/axe.ts";
import { findBrowser } from "../support/browser/browser.ts";
import { buildPage } from "../support/browser/build-page.ts";
import { type Look, openLive } from "../support/browser/open-page.ts";
import { fakeHistory } from "../support/fakes/fake-history.ts";
import { fakeIncident, fakeIncidents } from "../support/fakes/fake-incidents.ts";
import { fakeMarket } from "../support/fakes/fake-market.ts";
import { fakeStatus } from "../support/fakes/fake-status.ts";
import { until } from "../support/wait.ts";

const runtime = await findBrowser();
const title = `incidents in a real browser${runtime.ok ? "" : ` (skipped: ${runtime.reason})`}`;
const ago = (minutes: number) => (Date.now() - minutes * 60_000) * 1000;

const down = fakeIncident({
  ...{ id: 7, rule: "disconnected", severity: "critical", from_us: ago(12), value: 720, worst: 720, limit: 30 },
  ...{ subjects: ["stream.binance.com:9443"], detail: "getaddrinfo ENOTFOUND stream.binance.com" },
  records_lost_estimate: 4321,
});
const late = fakeIncident({
  ...{
    id: 5,
    rule: "delay",
    from_us: ago(95),
    subjects: ["ADAUSDT", "BTCUSDT", "ETHUSDT"],
    subject_count: 9,
    flaps: 3,
  },
  ...{ value: 1234, worst: 5200, limit: 1000 },
});
const low = fakeIncident({ id: 6, rule: "disk_low", from_us: ago(3000), value: 80e9, worst: 79e9, limit: 100e9 });
const back = fakeIncident({ id: 8, rule: "crash_recovered", severity: "info", from_us: ago(2), value: 90, worst: 90 });
const gone = fakeIncident({
  id: 3,
  rule: "gap",
  from_us: ago(600),
  to_us: ago(590),
  records_lost: 12,
  subjects: ["BTCUSDT aggTrade"],
});

describe.skipIf(!runtime.ok)(title, () => {
  let browser: Browser;
  let folder: string;
  let server: HttpServer;
  let url: string;
  let all: Incident[] = [];
  let notifies = true;
  let incidents = fakeIncidents(all);

  function show(...these: Incident[]): void {
    all = [...these].sort((a, b) => a.id - b.id);
    incidents = fakeIncidents(all);
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "rt-data-alerts-"));
    await buildPage(folder);
    if (runtime.ok) browser = await runtime.launch();
    server = createHttpServer(
      { host: "127.0.0.1", port: 0, tickMs: 100 },
      {
        status: () => {
          const open = all.filter(({ to_us }) => to_us === null).sort(byGravity);
          const ends = incidents.mutes().filter(({ kind }) => kind === "maintenance");
          return fakeStatus(7, 3, {
            alerts: {
              open: open.map((one) => ({ ...one, unit: ruleFacts[one.rule].unit, muted: incidents.isMuted(one) })),
              maintenance_until_us: ends.length === 0 ? null : Math.max(...ends.map(({ until_us }) => until_us)),
              notifies,
            },
          });
        },
        ...fakeMarket(),
        history: fakeHistory(3, 5),
        // The one of the test at hand.
        incidents: new Proxy(incidents, { get: (_, name) => incidents[name as keyof typeof incidents] }),
        metrics: () => ({ text: "", contentType: "text/plain" }),
        assetsDir: folder,
        log: silentLog,
      },
    );
    ({ url } = await server.start());
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (path: string, look: Look = {}) => openLive(browser, url + path, look);

  /** As it is drawn: words that stand apart are read apart. */
  const text = async (page: Page, selector: string) =>
    (await page.locator(selector).first().evaluate(readDrawn)).replace(/\s+/g, " ").trim();
  const isWiderThanScreen = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

  /** Opens the incidents behind the gravest. */
  const showAll = (page: Page) => page.getByRole("button", { name: /^\d+ more/ }).click();

  test("the overview shows the gravest incident, and each with its time, figures, cost and advice", async () => {
    show(late, low, down, back, gone);
    const { page, complaints, close } = await open("/dashboard");
    await page.locator("[data-alert]").first().waitFor();
    const shown = () =>
      page.locator("[data-alert]").evaluateAll((all) => all.map((one) => one.getAttribute("data-alert")));
    expect(await shown()).toEqual(["disconnected"]);
    expect(await page.getAttribute(".headline", "data-tone")).toBe("bad");
    expect(await text(page, ".headline h1")).toBe("Recording 3 symbols. No connection to Binance.");
    await until(async () => (await page.title()) === "⚠ 3 · RT-Data", "the title to say how many");
    await showAll(page);
    expect(await shown()).toEqual(["disconnected", "disk_low", "delay", "crash_recovered"]);
    const first = await text(page, '[data-alert="disconnected"]');
    expect(first).toContain("stream.binance.com:9443");
    expect(first).toMatch(/since \d\d:\d\d UTC, for 12 min/);
    expect(first).toContain("missed so far: about 4,300 book updates");
    expect(first).toContain(incidentCost(down, "en"));
    expect(first).toContain("getaddrinfo ENOTFOUND");
    const second = await text(page, '[data-alert="delay"]');
    expect(second).toContain("ADAUSDT, BTCUSDT, ETHUSDT and 6 more");
    expect(second).toMatch(/now 1[.,]234?.* limit .* at worst .* came and went 3 times/);
    expect(await text(page, '[data-alert="disk_low"]')).toContain("now 80.0 GB limit 100 GB at worst 79.0 GB");
    expect(await text(page, '[data-alert="crash_recovered"]')).toContain("not running for 1 min 30 s");
    expect(complaints).toEqual([]);
    await close();
  }, 60_000);

  test("acknowledge and mute are one press, everybody sees them, and an acknowledged incident calms the page", async () => {
    show(late);
    const { page, close } = await open("/dashboard");
    const other = await open("/dashboard", { width: 390 });
    const card = (of: Page) => of.locator('[data-alert="delay"]');
    await card(page).getByRole("button", { name: "Acknowledge" }).click();
    await card(other.page).getByText("acknowledged on the dashboard at").waitFor();
    expect(await card(page).getByRole("button", { name: "Acknowledge" }).count()).toBe(0);
    await until(async () => (await page.getAttribute(".headline", "data-tone")) === "ack", "the calm headline");
    expect(await text(page, ".headline h1")).toMatch(/, acknowledged\.$/);
    await until(async () => (await page.title()) === "RT-Data", "the calm title");
    await card(page).getByRole("button", { name: "Take back" }).click();
    await card(other.page).getByRole("button", { name: "Acknowledge" }).click();
    await card(page).getByRole("button", { name: "Take back" }).waitFor();
    await card(page).getByText("Mute ▾").click();
    await card(page).getByRole("button", { name: "Mute for 8 h" }).click();
    await card(other.page).getByRole("button", { name: "Unmute" }).waitFor();
    const [mute] = incidents.mutes();
    expect(mute).toMatchObject({ rule: "delay", symbol: null, kind: "mute", by: "dashboard" });
    expect(((mute?.until_us ?? 0) - Date.now() * 1000) / 3600e6).toBeWithin(7.9, 8.1);
    await card(other.page).getByRole("button", { name: "Unmute" }).click();
    await card(page).getByText("Mute ▾").waitFor();
    expect(incidents.mutes()).toEqual([]);
    await Promise.all([close(), other.close()]);
  }, 60_000);

  test("a mute covers only the symbol of an incident about one symbol, whatever letters it has", async () => {
    for (const symbol of ["WBTC", "币安人生USDT", "1000000MOGUSDT.P_X"]) {
      show(fakeIncident({ id: 4, rule: "stale", subjects: [symbol], from_us: ago(3) }));
      const { page, close } = await open("/dashboard");
      await page.getByText("Mute ▾").click();
      await page.getByRole("button", { name: "Mute for 1 h" }).click();
      await until(async () => incidents.mutes().length > 0, "the mute");
      expect(incidents.mutes()).toMatchObject([{ rule: "stale", symbol }]);
      await close();
    }
  }, 60_000);

  test("a maintenance is asked for first, can be ended, and is not offered if nobody is notified", async () => {
    show();
    const { page, close } = await open("/dashboard");
    await page.getByRole("button", { name: "Maintenance…" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(incidents.mutes()).toEqual([]);
    await page.getByRole("button", { name: "Maintenance…" }).click();
    await page.getByRole("button", { name: "Pause for 1 h" }).click();
    await page.getByText(/^Maintenance until \d\d:\d\d UTC: notifications are paused/).waitFor();
    expect(incidents.mutes()).toMatchObject([{ kind: "maintenance" }]);
    await page.getByRole("button", { name: "End now" }).click();
    await page.getByRole("button", { name: "Maintenance…" }).waitFor();
    expect(incidents.mutes()).toEqual([]);
    notifies = false;
    await page.getByRole("button", { name: "Maintenance…" }).waitFor({ state: "detached" });
    notifies = true;
    await close();
  }, 60_000);

  test("a mute can be ended in the history", async () => {
    show(late);
    incidents.mute({ rule: "delay", symbol: null, kind: "mute" }, ago(-60), "me");
    const { page, close } = await open("/history");
    await page.locator(".mutes strong").first().waitFor();
    await page.getByRole("button", { name: /^Unmute/ }).click();
    await page.locator(".mutes").waitFor({ state: "detached" });
    expect(incidents.mutes()).toEqual([]);
    await close();
  }, 60_000);

  test("what could not be done is said", async () => {
    show(late);
    const { page, close } = await open("/dashboard");
    await page.route("**/api/alerts/**", (route) => route.abort());
    await page.getByRole("button", { name: "Acknowledge" }).click();
    await page.getByText("That failed: the recorder did not answer.").waitFor();
    await close();
  }, 60_000);

  test("the history lists every incident with how long it lasted and what was lost; without any it says so, and when it cannot be read too", async () => {
    show(late, gone);
    const { page, close } = await open("/history");
    await page.locator('[data-incident="gap"]').waitFor();
    expect(await text(page, '[data-incident="gap"]')).toMatch(/warning BTCUSDT aggTrade 10 min 12 records$/);
    expect(await text(page, '[data-incident="delay"]')).toMatch(/open –$/);
    await close();
    show();
    const empty = await open("/history");
    await empty.page.getByText("No incidents yet.").waitFor();
    await empty.page.route("**/api/alerts?*", (route) => route.abort());
    await empty.page.reload();
    await empty.page.locator("section:has(#incidents-title)").getByText("The recorder did not answer.").waitFor();
    expect(await empty.page.locator("[data-alert]").count()).toBe(0);
    await empty.close();
  }, 60_000);

  test("each rule has its words in both languages, and on a phone nothing is wider than the screen", async () => {
    show(
      ...incidentRules.map((rule, n) => fakeIncident({ id: n + 1, rule, subjects: ["BTCUSDT"], value: 3, limit: 2 })),
    );
    for (const locale of ["en-US", "ko-KR"]) {
      for (const path of ["/dashboard", "/history"]) {
        const { page, complaints, close } = await open(path, { locale, width: 390 });
        const one = path === "/history" ? "[data-incident]" : "[data-alert]";
        if (path === "/dashboard") await page.locator(".incidents > button").click();
        await until(async () => (await page.locator(one).count()) === incidentRules.length, "every incident");
        expect([path, locale, await isWiderThanScreen(page), complaints]).toEqual([path, locale, false, []]);
        await close();
      }
    }
  }, 60_000);

  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe has nothing against incidents in ${colorScheme}`, async () => {
      show(late, low, down, back, gone);
      incidents.mute({ rule: null, symbol: null, kind: "maintenance" }, ago(-60), "me");
      incidents.mute({ rule: "delay", symbol: null, kind: "mute" }, ago(-60), "me");
      incidents.acknowledge(5, "anna");
      for (const path of ["/dashboard", "/history"]) {
        const { page, close } = await open(path, { colorScheme });
        await page
          .locator(path === "/history" ? ".mutes li" : "[data-alert]")
          .first()
          .waitFor();
        if (path === "/dashboard") await showAll(page);
        expect([path, await violations(page)]).toEqual([path, []]);
        await close();
      }
    }, 60_000);
  }
});

function readDrawn(element: Element): string {
  // biome-ignore lint/performance/useDomNodeTextContent: the text alone would not tell words apart
  return (element as HTMLElement).innerText;
}
