import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CheckFinding } from "../../../server/cli/check/finding.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import type { Fault } from "../../../server/simulator/faults/fault.ts";
import { createFaults } from "../../../server/simulator/faults/faults.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import {
  createSimulatedExchange,
  type SimulatedExchangeOptions,
} from "../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { type Ran, run } from "../../support/run.ts";
import { createCertificate } from "../../support/simulator/certificate.ts";
import { refusal } from "../../support/telegram/fake-telegram.ts";
import { startS3rver } from "../../support/upload/s3.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** An exchange with these faults, as environment. */
async function exchangeWith(faults: readonly Fault[] = [], options: SimulatedExchangeOptions = {}) {
  const player = createFaults();
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 8 });
  const exchange = createSimulatedExchange(options, { source, faults: player, log: silentLog });
  stops.push(exchange.stop);
  const { wsUrl, restUrl } = await exchange.start();
  for (const fault of faults) player.begin(fault);
  return { RT_DATA_EXCHANGE_WS_URL: wsUrl, RT_DATA_EXCHANGE_REST_URL: restUrl, RT_DATA_RECORD_SYMBOLS: "BTCUSDT" };
}

async function check(env: Record<string, string>, ...words: string[]): Promise<Ran & { findings: CheckFinding[] }> {
  const ran = await run(["check", "--json", "--timeout", "3", ...words], { env });
  return { ...ran, findings: JSON.parse(ran.output) as CheckFinding[] };
}

function one(findings: readonly CheckFinding[], check: string): CheckFinding {
  const found = findings.filter((finding) => finding.check === check);
  expect(found.map((finding) => finding.check)).toEqual([check]);
  return found[0] as CheckFinding;
}

describe("the exchange", () => {
  test("without problems, name, REST, symbols, first message and clock are ok, and the exit code is 0", async () => {
    const { code, findings } = await check(await exchangeWith(), "--only", "exchange");
    expect(code).toBe(0);
    for (const name of ["reach", "rest", "symbols", "stream"])
      expect(one(findings, `exchange.${name}`)).toMatchObject({ state: "ok" });
    expect(one(findings, "exchange.stream").detail).toContain("first message after");
    expect(one(findings, "clock.offset")).toMatchObject({
      state: "ok",
      detail: expect.stringContaining("± "),
    });
  });

  test("a misspelt symbol is reported with a suggestion; the other symbols are ok", async () => {
    const env = { ...(await exchangeWith()), RT_DATA_RECORD_SYMBOLS: "BTCUSDT,ETHUSD" };
    const { code, findings } = await check(env, "--only", "exchange");
    expect(code).toBe(1);
    const [good, bad] = findings.filter((finding) => finding.check === "exchange.symbols");
    expect(good).toMatchObject({ state: "ok", detail: "1 of 2 symbols are trading" });
    expect(bad).toMatchObject({ state: "failed", advice: expect.stringContaining("did you mean ETHUSDT?") });
  });

  for (const [what, faults, name, detail, advice] of [
    ["a ban", { kind: "rest-error", status: 418 }, "exchange.rest", "HTTP 418", "other program"],
    [
      "a country that is not served",
      { kind: "rest-error", status: 451 },
      "exchange.rest",
      "451",
      "data-api.binance.vision",
    ],
    [
      "streams not served",
      { kind: "refuse-connect", status: 451 },
      "exchange.stream",
      "451",
      "data-stream.binance.vision",
    ],
    [
      "streams that are silent",
      { kind: "silent" },
      "exchange.stream",
      "no message arrived within 1 s",
      "check exchange.ws_url",
    ],
    ["a closed port", { kind: "refused-port" }, "exchange.reach", "cannot connect to", "firewall"],
    ["a clock that is wrong", { kind: "clock-offset", offset_ms: 5000 }, "clock.offset", "behind", "chrony"],
    [
      "a symbol that is not traded",
      { kind: "symbol-status", symbol: "BTCUSDT" },
      "exchange.symbols",
      "HALT",
      "no action needed",
    ],
  ] as const) {
    test(`${what} is reported with advice`, async () => {
      const { code, findings } = await check(await exchangeWith([faults]), "--only", "exchange", "--timeout", "1");
      expect(one(findings, name)).toMatchObject({
        detail: expect.stringContaining(detail),
        advice: expect.stringContaining(advice),
      });
      expect(code).toBe(1);
    });
  }

  for (const [what, answer, seen, ofRest] of [
    [
      "a login page",
      () => new Response("<html>Log in</html>", { headers: { "content-type": "text/html" } }),
      "HTTP 200",
      "HTTP 200 that is not JSON",
    ],
    [
      "a redirect to one",
      () => Response.redirect("http://login.example/?to=x", 302),
      "HTTP 302",
      "HTTP 302 to login.example",
    ],
    ["a network's 511", () => new Response("<html>", { status: 511 }), "HTTP 511", "HTTP 511"],
    ["JSON of somebody else", () => Response.json({ login: "required" }), "HTTP 200", "JSON that is not Binance's"],
  ] as const) {
    test(`${what} at the exchange's addresses is reported as not Binance's, with advice`, async () => {
      const portal = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => answer() });
      stops.push(() => portal.stop(true));
      const env = {
        RT_DATA_EXCHANGE_WS_URL: `ws://127.0.0.1:${portal.port}`,
        RT_DATA_EXCHANGE_REST_URL: `http://127.0.0.1:${portal.port}`,
        RT_DATA_RECORD_SYMBOLS: "BTCUSDT",
      };
      const { code, findings } = await check(env, "--only", "exchange", "--timeout", "2");
      expect(code).toBe(1);
      for (const [name, text, key] of [
        ["exchange.rest", ofRest, "exchange.rest_url"],
        ["exchange.stream", `${seen} in place of a stream`, "exchange.ws_url"],
      ] as const)
        expect(one(findings, name)).toMatchObject({
          state: "failed",
          detail: expect.stringMatching(
            new RegExp(`${text}: something between this machine and Binance answers.*${key} is wrong`),
          ),
          advice: expect.stringMatching(/open a web page.*log in there/),
        });
    });
  }

  test("a certificate that cannot be trusted, and a name that does not resolve", async () => {
    const tls = await check(await exchangeWith([], { tls: createCertificate() }), "--only", "exchange");
    expect(one(tls.findings, "exchange.rest")).toMatchObject({
      state: "failed",
      advice: expect.stringContaining("cannot be trusted"),
    });
    const env = { RT_DATA_EXCHANGE_REST_URL: "https://nowhere.invalid", RT_DATA_EXCHANGE_WS_URL: "ws://127.0.0.1:9" };
    const { code, findings } = await check(env, "--only", "exchange");
    expect(code).toBe(1);
    expect(one(findings, "exchange.reach")).toMatchObject({ detail: expect.stringContaining("does not resolve") });
    expect(one(findings, "exchange.rest").state).toBe("skipped");
  });
});

describe("this machine", () => {
  test("a running recorder is no problem: its folder, port and readiness are reported", async () => {
    const folder = temporaryFolder();
    const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const port = String(probe.port);
    await probe.stop(true);
    const env = { ...(await exchangeWith()), RT_DATA_RECORD_DATA_DIR: join(folder, "data"), RT_DATA_HTTP_PORT: port };
    const recorder = start([...rtData, "record", "--log-level", "error"], { cwd: folder, env });
    stops.push(() => recorder.kill("SIGKILL"));
    const ready = await run(["check", "--ready", "20"], { env });
    expect(ready).toMatchObject({ code: 0, output: "ready: data flows\n" });
    const { code, findings } = await check(env, "--only", "data,disk,http");
    expect(code).toBe(0);
    expect(one(findings, "data.folder")).toMatchObject({
      state: "ok",
      detail: expect.stringContaining("writing and syncing a file took"),
    });
    expect(one(findings, "data.recorder").detail).toContain(`process ${recorder.pid} `);
    expect(one(findings, "disk.room").detail).toMatch(/ are free; \d+ MB a day \(estimated/);
    expect(one(findings, "http.port").detail).toContain("data flows");
    recorder.kill("SIGTERM");
    expect(await recorder.ended).toBe(0);
    const over = await run(["check", "--ready", "0"], { env });
    expect(over).toMatchObject({ code: 1, output: `not ready within 0 s: no recorder answers on port ${port}\n` });
  }, 60_000);

  test("a folder of the demo, a path that is not a folder, and a port in use are reported", async () => {
    const folder = join(temporaryFolder(), "data");
    mkdirSync(folder);
    writeFileSync(join(folder, "this-is-demo-data"), "");
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
    stops.push(() => other.stop(true));
    const env = { RT_DATA_RECORD_DATA_DIR: folder, RT_DATA_HTTP_PORT: String(other.port) };
    const { code, findings } = await check(env, "--only", "data,http");
    expect(code).toBe(1);
    expect(one(findings, "data.use")).toMatchObject({ state: "failed", advice: expect.stringContaining("data_dir") });
    expect(one(findings, "http.port")).toMatchObject({ state: "failed", advice: expect.stringContaining("ss -ltnp") });
    const file = join(folder, "this-is-demo-data");
    const none = await check({ RT_DATA_RECORD_DATA_DIR: file }, "--only", "data,disk");
    expect(one(none.findings, "data.folder")).toMatchObject({ state: "failed" });
    // The room is that of the disk that the path lies on.
    expect(one(none.findings, "disk.room").detail).not.toContain(" 0 MB of 0 MB");
    expect(one(none.findings, "disk.room").detail).toMatch(/of [\d.]+ [GM]B are free/);
  });
});

describe("services", () => {
  test("a bucket is written, read and left as it was; a wrong key is reported but never shown", async () => {
    const s3 = await startS3rver();
    stops.push(s3.stop);
    const env = {
      RT_DATA_UPLOAD_ENDPOINT: s3.endpoint,
      RT_DATA_UPLOAD_BUCKET: s3.bucket,
      RT_DATA_UPLOAD_PREFIX: "btc",
      RT_DATA_UPLOAD_ACCESS_KEY: s3.accessKey,
      RT_DATA_UPLOAD_SECRET_KEY: s3.secretKey,
    };
    const good = await check(env, "--only", "upload");
    expect(one(good.findings, "upload.bucket")).toMatchObject({ state: "ok" });
    expect(await s3.keys()).toEqual([]);
    const bad = await check({ ...env, RT_DATA_UPLOAD_SECRET_KEY: "hush-hush" }, "--only", "upload");
    expect(bad.code).toBe(1);
    expect(one(bad.findings, "upload.bucket").detail).toContain("the secret key is wrong");
    expect(bad.output + bad.errors).not.toContain("hush-hush");
  });

  test("the bot's token and each chat are checked, and the token is never shown, whatever fails", async () => {
    const chats: Readonly<Record<number, object>> = { 42: { ok: true, result: { id: 42, first_name: "Kim" } } };
    const api = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const [, bot, method] = new URL(request.url).pathname.split("/");
        if (bot !== "bot7:hush") return refusal(401, "Unauthorized");
        if (method === "getMe") return Response.json({ ok: true, result: { username: "my_rt_bot" } });
        const { chat_id } = (await request.json()) as { chat_id: number };
        const unknown = { ok: false, error_code: 400, description: "Bad Request: chat not found" };
        return Response.json(chats[chat_id] ?? unknown, { status: chat_id in chats ? 200 : 400 });
      },
    });
    stops.push(() => api.stop(true));
    const env = { RT_DATA_TELEGRAM_API_ROOT: `http://127.0.0.1:${api.port}`, RT_DATA_TELEGRAM_TOKEN: "7:hush" };
    const { code, findings, output } = await check({ ...env, RT_DATA_TELEGRAM_CHATS: "42,43" }, "--only", "telegram");
    expect(code).toBe(1);
    expect(one(findings, "telegram.token").detail).toBe("the bot is @my_rt_bot");
    const [known, unknown] = findings.filter((finding) => finding.check === "telegram.chats");
    expect(known).toMatchObject({ state: "ok", detail: "42 (Kim) is reachable for the bot" });
    expect(unknown).toMatchObject({ state: "failed", advice: expect.stringContaining("t.me/my_rt_bot") });
    const nobody = await check(env, "--only", "telegram");
    expect(one(nobody.findings, "telegram.chats").detail).toContain("telegram.chats is empty");
    const wrong = await check({ ...env, RT_DATA_TELEGRAM_TOKEN: "8:other" }, "--only", "telegram");
    expect(one(wrong.findings, "telegram.token")).toMatchObject({ advice: expect.stringContaining("@BotFather") });
    const gone = await check({ ...env, RT_DATA_TELEGRAM_API_ROOT: "http://127.0.0.1:9" }, "--only", "telegram");
    expect(gone.code).toBe(1);
    expect(output + nobody.output + wrong.output + gone.output).not.toMatch(/hush|8:other/);
  });

  test("heartbeat and webhook are checked by name and connection, without a request, and their URLs are never shown in full", async () => {
    let asked = 0;
    const hook = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(String(++asked)) });
    stops.push(() => hook.stop(true));
    const env = {
      RT_DATA_ALERTS_HEARTBEAT_URL: `http://127.0.0.1:${hook.port}/hush`,
      RT_DATA_ALERTS_WEBHOOK_URL: "https://nowhere.invalid/hush",
    };
    const { code, findings, output } = await check(env, "--only", "alerts");
    expect([code, asked]).toEqual([1, 0]);
    expect(one(findings, "alerts.heartbeat")).toMatchObject({ state: "ok" });
    expect(one(findings, "alerts.webhook")).toMatchObject({ state: "failed" });
    expect(output).not.toContain("hush");
  });
});

test("the text output has a line per finding with a mark, the advice below it, and a summary at the end", async () => {
  const env = { RT_DATA_TELEGRAM_TOKEN: "1:x", RT_DATA_TELEGRAM_API_ROOT: "http://127.0.0.1:9" };
  const { code, output } = await run(["check", "--only", "config,telegram"], { env });
  expect(code).toBe(1);
  expect(output).toMatch(/^✓ config.file {10}none/);
  expect(output).toMatch(/^✗ telegram.reach .*\n {23}→ check telegram.api_root/m);
  expect(output).toEndWith("\n1 failed, 1 ok\n");
});

test("an invalid config or flag gives exit code 2, also with --json", async () => {
  const wrong = await check({ RT_DATA_HTTP_PORT: "many" });
  expect(wrong).toMatchObject({ code: 2, findings: [{ check: "config.file", state: "failed" }] });
  expect(wrong.findings[0]?.detail).toContain("RT_DATA_HTTP_PORT");
  for (const [words, told] of [
    [["--only", "exchnge"], 'did you mean "exchange"?'],
    [["--ready", "soon"], "give seconds"],
    [["--timeout", "-1"], "give seconds"],
  ] as const)
    expect(await run(["check", ...words])).toMatchObject({ code: 2, errors: expect.stringContaining(told) });
});
