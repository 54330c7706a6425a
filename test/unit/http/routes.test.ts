import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Status } from "../../../server/domain/status.ts";
import { compressed } from "../../../server/http/core/compression.ts";
import { ListenError } from "../../../server/http/server.ts";
import { OperatorError } from "../../../server/platform/errors.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { bookText, longScript, rawGet, serve } from "../../support/http/serving.ts";

let status: () => Status = () => fakeStatus(1, 3);
let site: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  site = await serve({ status: () => status(), tickMs: 0 });
});
afterAll(() => site.close());

describe("every route", () => {
  const routes: [path: string, status: number, type: string][] = [
    ["/health/live", 200, "application/json"],
    ["/health/ready", 200, "application/json"],
    ["/api/status", 200, "application/json"],
    ["/state/BTCUSDT", 200, "application/json"],
    ["/state/ETHUSDT", 503, "application/json"],
    ["/state/DOGEUSDT", 404, "application/json"],
    ["/dashboard", 200, "text/html"],
    ["/orderbook/BTCUSDT", 200, "text/html"],
    ["/assets/index-abc.js", 200, "text/javascript"],
    ["/static/icon.svg", 200, "image/svg+xml"],
    ["/ws/dashboard", 426, "application/json"],
    ["/nothing/here", 404, "application/json"],
  ];
  for (const [path, code, type] of routes) {
    test(`${path} answers GET and HEAD alike: ${code}`, async () => {
      const get = await fetch(site.url + path);
      expect(get.status).toBe(code);
      expect(get.headers.get("content-type")).toStartWith(type);
      expect((await get.text()).length).toBeGreaterThan(0);
      const head = await fetch(site.url + path, { method: "HEAD" });
      expect(head.status).toBe(code);
      expect(await head.text()).toBe("");
    });

    test(`${path} allows no foreign sources and no framing`, async () => {
      const { headers } = await fetch(site.url + path);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
    });
  }
});

test("the root leads to the dashboard by a relative address, whatever prefix a proxy puts before it", async () => {
  const answer = await fetch(`${site.url}/`, { redirect: "manual" });
  expect([answer.status, answer.headers.get("location")]).toEqual([302, "dashboard"]);
});

test("the page's base points to the root from every depth", async () => {
  const base = async (path: string) => /<base href="([^"]*)"/.exec(await (await fetch(site.url + path)).text())?.[1];
  expect(await base("/dashboard")).toBe("./");
  expect(await base("/dashboard/")).toBe("../");
  expect(await base("/orderbook/BTCUSDT")).toBe("../");
});

test("hashed files may be kept for ever, the page must be asked for each time, numbers are never kept", async () => {
  const cache = async (path: string) => (await fetch(site.url + path)).headers.get("cache-control");
  expect(await cache("/assets/index-abc.js")).toContain("immutable");
  expect(await cache("/assets/index-abc.js")).toContain("max-age=31536000");
  expect(await cache("/dashboard")).toBe("no-cache");
  for (const path of ["/api/status", "/state/BTCUSDT", "/health/ready"]) expect(await cache(path)).toBe("no-store");
});

test("the page's script travels compressed to a client that accepts gzip, and plain to others", async () => {
  const ask = (accepted: string) =>
    fetch(`${site.url}/assets/long-abc.js`, { headers: { "accept-encoding": accepted }, decompress: false });
  for (const accepted of ["gzip, deflate, br", "br;q=1.0, gzip;q=0.8"]) {
    const answer = await ask(accepted);
    expect([answer.headers.get("content-encoding"), answer.headers.get("vary")]).toEqual(["gzip", "accept-encoding"]);
    expect(new TextDecoder().decode(Bun.gunzipSync(await answer.bytes()))).toBe(longScript);
  }
  for (const accepted of ["identity", "gzip;q=0", "br, gzip; q=0.0"]) {
    const answer = await ask(accepted);
    expect(answer.headers.get("content-encoding")).toBeNull();
    expect(await answer.text()).toBe(longScript);
  }
});

test("a long answer in JSON travels compressed to a client that accepts gzip, plain to others, and is never an old answer", async () => {
  const bodies = [
    "short",
    "a".repeat(2000),
    "a".repeat(2000),
    "b".repeat(2000),
    "c".repeat(400_000),
    "d".repeat(400_000),
  ];
  let asked = 0;
  const handle = compressed(() => Response.json(bodies[asked++ % bodies.length], { headers: { "x-other": "kept" } }));
  const ask = (headers: Record<string, string>) => handle(new Request("http://recorder/api/x", { headers }));
  for (const body of bodies) {
    const answer = await ask({ "accept-encoding": "gzip, br" });
    const isLong = body.length > 1000;
    expect(answer.headers.get("content-encoding")).toBe(isLong ? "gzip" : null);
    expect(answer.headers.get("vary")).toBe(isLong ? "accept-encoding" : null);
    expect(answer.headers.get("x-other")).toBe("kept");
    const bytes = await answer.bytes();
    expect(new TextDecoder().decode(isLong ? Bun.gunzipSync(bytes) : bytes)).toBe(JSON.stringify(body));
  }
  for (const body of bodies) {
    const answer = await ask({});
    expect(answer.headers.get("content-encoding")).toBeNull();
    expect(answer.headers.get("vary")).toBe(body.length > 1000 ? "accept-encoding" : null);
    expect(await answer.json()).toBe(body);
  }
});

test("a served answer in JSON is compressed; a file, which is read in ranges, and an error are not", async () => {
  const today = (accepted: string) =>
    fetch(`${site.url}/api/coverage/today`, { headers: { "accept-encoding": accepted }, decompress: false });
  const [packed, plain] = await Promise.all([today("gzip"), today("identity")]);
  expect([packed.headers.get("content-encoding"), plain.headers.get("content-encoding")]).toEqual(["gzip", null]);
  expect(Bun.gunzipSync(await packed.bytes())).toEqual(await plain.bytes());
  const file = new Response("{}".repeat(1000), { headers: { "content-type": "application/json", etag: '"1"' } });
  const error = Response.json("x".repeat(2000), { status: 500 });
  const asked = new Request("http://recorder/x", { headers: { "accept-encoding": "gzip" } });
  for (const answer of [file, error]) expect(await compressed(() => answer)(asked)).toBe(answer);
});

test("a book is answered with the exchange's own digits, in any case and any script", async () => {
  const wanted = { recv_us: 1763800000123456, net_delay_ms: 114, book: JSON.parse(bookText) };
  for (const [path, symbol] of [
    ["btcusdt", "BTCUSDT"],
    ["BtcUsdt", "BTCUSDT"],
    [encodeURIComponent("币安人生usdt"), "币安人生USDT"],
  ]) {
    const answer = await fetch(`${site.url}/state/${path}`);
    expect(await answer.json()).toEqual({ symbol, ...wanted });
  }
});

test("errors are JSON with a stable code", async () => {
  const code = async (path: string, init?: RequestInit) => {
    const answer = await fetch(site.url + path, init);
    const body = (await answer.json()) as { error: { code: string; message: string } };
    expect(Object.keys(body)).toEqual(["error"]);
    expect(body.error.message.length).toBeGreaterThan(10);
    return `${answer.status} ${body.error.code}`;
  };
  expect(await code("/state/DOGEUSDT")).toBe("404 unknown_symbol");
  expect(await code("/state/%2e%2e%2fetc")).toBe("404 unknown_symbol");
  expect(await code("/state/ETHUSDT")).toBe("503 no_data_yet");
  expect(await code("/nope")).toBe("404 not_found");
  expect(await code("/api/status", { method: "POST", body: "{}" })).toBe("405 method_not_allowed");
  expect(await code("/assets/index-abc.js", { method: "DELETE" })).toBe("405 method_not_allowed");
  expect(await code("/nope", { method: "PUT" })).toBe("405 method_not_allowed");
});

test("ready is 503 with the reasons until data flows, and again when it stops; live stays", async () => {
  status = () => fakeStatus(1, 3, { ready: false, reasons: ["no data from BTCUSDT for 12 s"] });
  const answer = await fetch(`${site.url}/health/ready`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({ ready: false, reasons: ["no data from BTCUSDT for 12 s"] });
  expect((await fetch(`${site.url}/health/live`)).status).toBe(200);
  status = () => fakeStatus(2, 3);
  expect((await fetch(`${site.url}/health/ready`, { method: "HEAD" })).status).toBe(200);
});

test("an internal failure answers 500 without details, which are in the log", async () => {
  status = () => {
    throw new Error("the cat sat on /var/lib/secret");
  };
  const answer = await fetch(`${site.url}/api/status`);
  const text = await answer.text();
  status = () => fakeStatus(2, 3);
  expect(answer.status).toBe(500);
  expect(JSON.parse(text).error.code).toBe("internal_error");
  expect(text).not.toContain("secret");
  expect(text).not.toContain("server/");
  expect(site.lines.join("")).toContain("the cat sat on /var/lib/secret");
});

test("no path leads out of the folder of the page", async () => {
  for (const path of [
    "/assets/../../secret.txt",
    "/assets/%2e%2e/%2e%2e/secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/assets/..%5c..%5csecret.txt",
    "/static/%252e%252e/%252e%252e/secret.txt",
    "//secret.txt",
    "/assets//etc/passwd",
    "/assets/%00/../../secret.txt",
    "/../secret.txt",
  ]) {
    const { status, body } = await rawGet(site.port, path);
    expect({
      path,
      refused: status >= 400 && status < 500,
      leaked: body.includes("not for you") || body.includes("root:"),
    }).toEqual({
      path,
      refused: true,
      leaked: false,
    });
  }
});

test("any host name that can be ours leads to the same answers, however short", async () => {
  for (const host of ["x", "pi", "nas", "recorder.lan", "10.0.0.7:8000"]) {
    const status = async (path: string) => (await rawGet(site.port, path, { host })).status;
    expect([host, await status("/ws/dashboard"), await status("/state/btcusdt"), await status("/x/dashboard")]).toEqual(
      [host, 426, 200, 404],
    );
  }
});

test("a port that is taken is refused with the address and what to do", async () => {
  const error = await serve({ port: site.port }).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ListenError);
  expect(error).toBeInstanceOf(OperatorError);
  expect(error).toMatchObject({ code: "EADDRINUSE" });
  expect(String(error)).toContain(`127.0.0.1:${site.port}`);
  expect(String(error)).toContain("http.port");
});

test("a server can be stopped twice, started again on its port, and then serves as before", async () => {
  const other = await serve();
  await Promise.all([other.server.stop(), other.server.stop()]);
  await expect(fetch(`${other.url}/health/live`)).rejects.toThrow();
  const again = await serve({ port: other.port });
  expect((await fetch(`${again.url}/health/live`)).status).toBe(200);
  await other.server.stop();
  expect((await fetch(`${again.url}/health/live`)).status).toBe(200);
  await again.close();
  await other.close();
});

test("without a built page everything else is served, and the log says how to build it", async () => {
  const bare = await serve({ page: false });
  expect((await fetch(`${bare.url}/dashboard`)).status).toBe(503);
  expect((await fetch(`${bare.url}/api/status`)).status).toBe(200);
  expect(bare.lines.join("")).toContain("bun run build:web");
  await bare.close();
});
