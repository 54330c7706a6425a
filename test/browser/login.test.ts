import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createHttpServer, type HttpServer } from "../../server/http/server.ts";
import { silentLog } from "../../server/platform/log/log.ts";
import { violations } from "../support/browser/axe.ts";
import { findBrowser } from "../support/browser/browser.ts";
import { buildPage } from "../support/browser/build-page.ts";
import { type Look, openPage } from "../support/browser/open-page.ts";
import { prefixProxy } from "../support/browser/prefix-proxy.ts";
import { fakeIncidents } from "../support/fakes/fake-incidents.ts";
import { fakeMarket } from "../support/fakes/fake-market.ts";
import { fakeStatus } from "../support/fakes/fake-status.ts";
import { wholeHistory } from "../support/fakes/whole-history.ts";
import { until } from "../support/wait.ts";

const runtime = await findBrowser();
const title = runtime.ok
  ? "logging in with a real browser"
  : `logging in with a real browser (skipped: ${runtime.reason})`;
const password = "correct horse 배터리";
const cheap = { algorithm: "argon2id", memoryCost: 256, timeCost: 2 } as const;

const well = "Recording 3 symbols. Nothing is missing today.";

describe.skipIf(!runtime.ok)(title, () => {
  let browser: Browser;
  let folder: string;
  let passwordHash: string;
  const servers: HttpServer[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "rt-data-login-"));
    await buildPage(join(folder, "page"));
    passwordHash = await Bun.password.hash(password, cheap);
    if (runtime.ok) browser = await runtime.launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function serve(port = 0, basePath = "/", hash = passwordHash) {
    const access = { basePath, passwordHash: hash, trustedProxies: ["127.0.0.1"], publicUrl: "" };
    const server = createHttpServer(
      { host: "127.0.0.1", port, tickMs: 100, access: { ...access, sessionsPath: join(folder, "sessions.json") } },
      {
        ...fakeMarket(),
        status: () => fakeStatus(7, 3),
        history: wholeHistory(3),
        assetsDir: join(folder, "page"),
        incidents: fakeIncidents(),
        metrics: () => ({ text: "", contentType: "text/plain" }),
        log: silentLog,
      },
    );
    servers.push(server);
    return server;
  }

  const open = (address: string, look: Look = {}) => openPage(browser, address, look);

  const headline = (page: Page) => page.locator(".headline h1").textContent();
  const sees = (page: Page, sentence: string) =>
    until(
      async () => (await page.locator(".headline h1").count()) > 0 && (await headline(page)) === sentence,
      sentence,
    );
  async function logIn(page: Page, typed: string): Promise<void> {
    await page.locator("#password").fill(typed);
    await page.keyboard.press("Enter");
  }

  test("one lands where one wanted to go, sees live data, is still logged in after a restart, and sees nothing after logging out", async () => {
    const first = serve();
    const { url, port } = await first.start();
    const { page, context, complaints, close } = await open(`${url}/orderbook/BTCUSDT?x=1`);
    expect(page.url()).toBe(`${url}/login?to=orderbook%2FBTCUSDT%3Fx%3D1`);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("password");
    expect(await page.getAttribute("#password", "autocomplete")).toBe("current-password");
    await logIn(page, password);
    await until(async () => page.url() === `${url}/orderbook/BTCUSDT?x=1`, "the page that was wanted");
    await until(
      async () => (await page.locator(".side-bids td.price:not(:empty)").count()) > 0,
      "prices over the WebSocket",
    );
    expect(complaints).toEqual([]);
    const cookie = (await context.cookies()).find(({ name }) => /^rt-data-[0-9a-f]{8}$/.test(name));
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", secure: false });

    await first.stop();
    await serve(port).start();
    await page.goto(`${url}/dashboard`);
    await sees(page, well);

    const other = await context.newPage();
    await other.goto(`${url}/dashboard`);
    await sees(other, well);
    await page.getByRole("button", { name: "Log out" }).click();
    for (const one of [page, other])
      await until(async () => one.url().includes("/login"), "the login page in both windows");
    // What is left is that this browser is known, which lets nobody in.
    expect((await context.cookies()).map(({ name }) => name)).toEqual([expect.stringMatching(/^rt-data-device-/)]);
    await page.goto(`${url}/dashboard`);
    expect(page.url()).toBe(`${url}/login?to=dashboard`);
    await close();
  }, 60_000);

  test("a wrong password is said, in both languages; too many are, and how long to wait", async () => {
    for (const [locale, wrong, button] of [
      ["en-US", "The password is wrong.", /^Try again in \d+\u00a0s$/],
      ["ko-KR", "비밀번호가 맞지 않습니다.", /^\d+초 후 다시 시도하세요$/],
    ] as const) {
      const { url } = await serve().start();
      const { page, close } = await open(`${url}/login`, { locale });
      const submit = page.locator('button[type="submit"]');
      for (let n = 0; n < 5 && (await submit.isEnabled()); n++) {
        await logIn(page, `wrong ${n}`);
        await until(async () => (await page.textContent("#login-said")) === wrong, "an answer");
      }
      await until(async () => button.test((await submit.textContent()) ?? ""), "the time to wait");
      expect(await submit.isDisabled()).toBe(true);
      await close();
    }
  }, 60_000);

  test("the way back is never out of this server, whatever the address says", async () => {
    const { url } = await serve().start();
    const places = [
      "//evil.example/x",
      "https://evil.example",
      "\\\\evil.example",
      "javascript:alert(1)",
      "../../x",
      "login",
    ];
    const { page, close } = await open(`${url}/login`);
    await logIn(page, password);
    await sees(page, well);
    for (const place of places) {
      await page.goto(`${url}/login?to=${encodeURIComponent(place)}`);
      await until(async () => !page.url().includes("/login?"), `to be led on from ${place}`);
      expect([place, new URL(page.url()).origin]).toEqual([place, url]);
    }
    await close();
  }, 60_000);

  test("below a path, taken away by a proxy or not, everything works, the cookie included", async () => {
    const { url, port } = await serve(0, "/rt-data").start();
    const proxy = prefixProxy(port, "/rt-data");
    for (const root of [`${url}/rt-data`, `http://127.0.0.1:${proxy.port}/rt-data`]) {
      const { page, context, complaints, close } = await open(`${root}/`);
      await until(async () => page.url() === `${root}/login`, `the login page below ${root}`);
      await logIn(page, password);
      await sees(page, well);
      expect(page.url()).toBe(`${root}/dashboard`);
      expect((await context.cookies()).map(({ path }) => path)).toEqual(["/rt-data", "/rt-data"]);
      await page.goto(`${root}/orderbook/BTCUSDT`);
      await until(async () => (await page.locator(".side-bids td.price:not(:empty)").count()) > 0, "prices");
      expect(complaints).toEqual([]);
      await close();
    }
    await proxy.stop(true);
  }, 60_000);

  test("axe finds nothing on the login page, in both themes, empty and with an error; on a phone nothing is too wide", async () => {
    const { url } = await serve().start();
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, close } = await open(`${url}/login`, { colorScheme, width: 390, locale: "ko-KR" });
      await page.locator("#password").waitFor();
      expect(await violations(page)).toEqual([]);
      await logIn(page, "wrong");
      await until(async () => (await page.textContent("#login-said")) !== "", "the error");
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await close();
    }
  }, 60_000);
});
