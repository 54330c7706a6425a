import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import type { Status } from "../../server/domain/status.ts";
import { createHttpServer, type HttpServer } from "../../server/http/server.ts";
import { silentLog } from "../../server/platform/log/log.ts";
import { violations } from "../support/browser/axe.ts";
import { findBrowser } from "../support/browser/browser.ts";
import { buildPage } from "../support/browser/build-page.ts";
import { type Look, openLive } from "../support/browser/open-page.ts";
import { fakeHistory } from "../support/fakes/fake-history.ts";
import { fakeIncidents } from "../support/fakes/fake-incidents.ts";
import { fakeMarket } from "../support/fakes/fake-market.ts";
import { fakeStatus } from "../support/fakes/fake-status.ts";
import { until } from "../support/wait.ts";

const runtime = await findBrowser();
const title = `services in a real browser${runtime.ok ? "" : ` (skipped: ${runtime.reason})`}`;

const well: Partial<Status> = {
  telegram: { state: "ok", chats: 2, waiting: 0, sent: 14, last_error: null, since_us: null },
  bot: { state: "listening", name: "my_recorder_bot", answered: 31, strangers: 0 },
  upload: {
    ...{ target: "archive at s3.example.org", archives_uploaded: 60, archives_waiting: 0, archives_unconfirmed: 0 },
    ...{ bytes_sent: 4_874_073_480, failures: 0, problem: null },
  },
  shard: "2/5",
};

describe.skipIf(!runtime.ok)(title, () => {
  let browser: Browser;
  let folder: string;
  let server: HttpServer;
  let url: string;
  let over: Partial<Status> = {};

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "rt-data-services-"));
    await buildPage(folder);
    if (runtime.ok) browser = await runtime.launch();
    server = createHttpServer(
      { host: "127.0.0.1", port: 0, tickMs: 100 },
      {
        status: () => fakeStatus(7, 3, over),
        ...fakeMarket(),
        history: fakeHistory(3),
        incidents: fakeIncidents([]),
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

  function open(these: Partial<Status>, look: Look = {}) {
    over = these;
    return openLive(browser, `${url}/dashboard`, look);
  }

  const rows = async (page: Page) =>
    Promise.all(
      (await page.locator("[data-service]").all()).map(async (row) => [
        await row.getAttribute("data-state"),
        ...(await row.locator("span:not(.lamp)").allTextContents()),
      ]),
    );

  test("the overview says how Telegram, the bot, the bucket and the shard are, and nothing where there is none of them", async () => {
    const { page, close } = await open(well);
    await page.locator("[data-service]").first().waitFor();
    expect(await rows(page)).toEqual([
      ["open", "Alerts on Telegram", "messages arrive", "chats 2 · sent 14"],
      ["open", "@my_recorder_bot", "listening", "31 answered"],
      ["open", "archive at s3.example.org", "everything uploaded", "60 uploaded · 4.87\u00a0GB sent"],
      ["open", "Share of the symbols", "part 2 of 5", "3 symbols here"],
    ]);
    over = {};
    await page.locator(".connections li").first().waitFor();
    await until(async () => (await page.locator("[data-service]").count()) === 0, "the rows to go");
    await close();
  }, 60_000);

  test("what cannot be reached says since when and why, in Korean on a phone as well, and the page stays accessible", async () => {
    const troubled: Partial<Status> = {
      telegram: {
        ...{
          state: "unreachable",
          chats: 2,
          waiting: 3,
          sent: 14,
          last_error: "getaddrinfo ENOTFOUND api.telegram.org",
        },
        since_us: (Date.now() - 600_000) * 1000,
      },
      bot: { state: "conflict", name: null, answered: 0, strangers: 0 },
      upload: {
        ...(well.upload as NonNullable<Status["upload"]>),
        archives_waiting: 4,
        failures: 2,
        problem: "403 AccessDenied",
      },
    };
    const { page, close } = await open(troubled, { locale: "ko-KR", colorScheme: "dark", width: 390 });
    await page.locator("[data-service]").first().waitFor();
    const shown = await rows(page);
    expect(shown.map(([state]) => state)).toEqual(["waiting", "waiting", "waiting"]);
    const [telegram, bot, upload] = shown;
    expect(telegram?.[2]).toMatch(/^연결할 수 없음 10분/);
    expect(telegram?.[4]).toBe("getaddrinfo ENOTFOUND api.telegram.org");
    expect(bot?.[2]).toBe("다른 프로그램이 같은 토큰을 쓰고 있음");
    expect([telegram?.[3], upload?.[3]]).toEqual(["대화방 2 · 보냄 14 · 대기 3", expect.stringMatching(/실패 2건$/)]);
    expect([upload?.[2], upload?.[4]]).toEqual(["업로드 대기 아카이브 4개", "403 AccessDenied"]);
    expect(await violations(page)).toEqual([]);
    await close();
  }, 60_000);
});
