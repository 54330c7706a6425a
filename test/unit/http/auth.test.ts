import { afterEach, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuthOptions } from "../../../server/http/auth/auth.ts";
import { version } from "../../../server/platform/process/version.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rawGet, serve } from "../../support/http/serving.ts";
import { until } from "../../support/wait.ts";

const password = "correct horse";
/** A cheap hash: argon2 is not under test here. */
const cheap = { algorithm: "argon2id", memoryCost: 256, timeCost: 2 } as const;
const passwordHash = await Bun.password.hash(password, cheap);
const basic = (word: string, user = "anybody") => ({ authorization: `Basic ${btoa(`${user}:${word}`)}` });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function guarded(access: Partial<AuthOptions> = {}, over: Parameters<typeof serve>[0] = {}) {
  const site = await serve({ ...over, access: { passwordHash, ...access } });
  cleanups.push(site.close);
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(site.url + path, { headers, redirect: "manual" });
  const logIn = (word: string, headers: Record<string, string> = {}) =>
    fetch(`${site.url}/api/session`, {
      method: "POST",
      body: JSON.stringify({ password: word }),
      headers: { "content-type": "application/json", ...headers },
    });
  return { ...site, get, logIn };
}

async function code(answer: Response): Promise<string> {
  const { error } = (await answer.json()) as { error: { code: string } };
  return `${answer.status} ${error.code}`;
}

/** What a WebSocket handshake is answered: 101, or the refusal. */
function handshake(port: number, path: string, headers: Record<string, string> = {}): Promise<number> {
  const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const key = { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
  return new Promise((resolve, reject) => {
    void import("node:http").then(({ request }) => {
      const sent = request({
        host: "127.0.0.1",
        port,
        path,
        headers: { ...upgrade, ...key, ...headers },
        agent: false,
      });
      sent.on("upgrade", ({ statusCode }, socket) => {
        socket.destroy();
        resolve(statusCode ?? 0);
      });
      sent.on("response", ({ statusCode }) => resolve(statusCode ?? 0));
      sent.on("error", reject);
      sent.end();
    });
  });
}

const cookieOf = (answer: Response) => (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";

test("with a password strangers learn only whether the recorder is well", async () => {
  const { get, port } = await guarded({}, { status: () => fakeStatus(1, 3, { ready: false, reasons: ["disk full"] }) });
  for (const path of [
    ...["/dashboard", "/orderbook/BTCUSDT", "/coverage", "/archive", "/history", "/", "/openapi", "/metrics"],
    ...["/api/status", "/state/BTCUSDT", "/api/archives/depth20/BTCUSDT/2026-11-21/file", "/api/events", "/nothing"],
    ...[
      "/ws/dashboard",
      "/ws/book/BTCUSDT",
      "/assets/%2e%2e/api/status",
      "/health/ready/x",
      "/loginx",
      "/api/session/x",
    ],
  ])
    expect([path, await code(await get(path))]).toEqual([path, "401 login_required"]);
  expect(await handshake(port, "/ws/dashboard")).toBe(401);
  expect(await handshake(port, "/ws/book/BTCUSDT")).toBe(401);
  expect((await get("/health/live")).status).toBe(200);
  const ready = await get("/health/ready");
  expect([ready.status, await ready.json()]).toEqual([503, { ready: false }]);
  const told = await get("/health/ready", basic(password));
  expect([told.status, await told.json()]).toEqual([503, { ready: false, reasons: ["disk full"] }]);
  for (const path of ["/login", "/assets/index-abc.js", "/static/icon.svg"]) {
    const answer = await get(path);
    expect([path, answer.status, answer.headers.get("server")]).toEqual([path, 200, null]);
    expect(await answer.text()).not.toContain(version);
  }
  expect(await (await get("/api/session")).json()).toEqual({ password: true, logged_in: false });
});

test("who wants a page is led to the login and told it where to go back to; who wants data is told 401", async () => {
  const { get, port } = await guarded();
  const page = async (path: string) => {
    const { status, headers } = await rawGet(port, path, { accept: "text/html,application/xhtml+xml" });
    return [status, headers.location];
  };
  expect(await page("/")).toEqual([303, "login"]);
  expect(await page("/dashboard")).toEqual([303, "login?to=dashboard"]);
  expect(await page("/orderbook/BTCUSDT?a=1&b=2")).toEqual([303, "../login?to=orderbook%2FBTCUSDT%3Fa%3D1%26b%3D2"]);
  expect(await page("//evil.example/x")).toEqual([303, "../../login?to=%2Fevil.example%2Fx"]);
  const refused = await get("/api/status");
  expect(refused.headers.get("www-authenticate")).toStartWith("Bearer");
  expect(refused.headers.get("cache-control")).toBe("no-store");
});

test("programs give the password with each request, as Basic with any user or as Bearer", async () => {
  const { get, port } = await guarded();
  for (const headers of [basic(password), basic(password, ""), { authorization: `Bearer ${password}` }]) {
    for (const path of ["/api/status", "/dashboard", "/openapi"]) expect((await get(path, headers)).status).toBe(200);
    expect(await handshake(port, "/ws/dashboard", headers)).toBe(101);
  }
  for (const headers of [{ authorization: "Basic ???" }, { authorization: "Digest x" }, { authorization: "Basic" }])
    expect(await code(await get("/api/status", headers))).toBe("401 login_required");
});

test("a password counts as the same in both forms that Korean letters have", async () => {
  const korean = "비밀번호입니다";
  const hash = await Bun.password.hash(korean.normalize("NFKC"), cheap);
  const { logIn } = await guarded({ passwordHash: hash });
  expect((await logIn(korean.normalize("NFD"))).status).toBe(200);
  expect((await logIn(korean.normalize("NFC"))).status).toBe(200);
});

test("a login gives a cookie that scripts cannot read, that opens everything, and that logging out makes worthless", async () => {
  const { get, logIn, url, port } = await guarded();
  const answer = await logIn(password);
  expect(await answer.json()).toEqual({ password: true, logged_in: true });
  expect(answer.headers.get("set-cookie")).toMatch(
    /^rt-data-[0-9a-f]{8}=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax, rt-data-device-/,
  );
  const cookie = cookieOf(answer);
  const origin = url;
  expect((await get("/dashboard", { cookie })).status).toBe(200);
  expect(await (await get("/api/session", { cookie })).json()).toEqual({ password: true, logged_in: true });
  expect(await handshake(port, "/ws/dashboard", { cookie, origin })).toBe(101);

  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`, {
    headers: { cookie, origin },
  } as unknown as string[]);
  let closed = 0;
  let messages = 0;
  socket.onmessage = () => messages++;
  socket.onclose = ({ code }) => {
    closed = code;
  };
  await until(() => messages > 0, "the status over the WebSocket");
  const out = await fetch(`${url}/api/session`, { method: "DELETE", headers: { cookie, origin } });
  expect(out.headers.get("set-cookie")).toMatch(/^rt-data-[0-9a-f]{8}=; Path=\/; Max-Age=0/);
  await until(() => closed === 4401, "the connections of the session to be closed");
  expect((await get("/api/status", { cookie })).status).toBe(401);
  const [name] = cookie.split("=");
  for (const forged of [`${name}=`, `${name}=x`, `${name}=${"A".repeat(43)}`, `__Host-${cookie}`])
    expect((await get("/api/status", { cookie: forged })).status).toBe(401);
});

test("logins outlive a restart in a file that holds no token, and end when the password is another", async () => {
  const sessionsPath = join(temporaryFolder(), "sessions.json");
  const first = await guarded({ sessionsPath });
  const cookie = cookieOf(await first.logIn(password));
  await first.close();
  expect(statSync(sessionsPath).mode & 0o777).toBe(0o600);
  expect(readFileSync(sessionsPath, "utf8")).not.toContain(cookie.split("=")[1] ?? "");
  expect(readFileSync(sessionsPath, "utf8")).not.toContain(passwordHash);
  const second = await guarded({ sessionsPath });
  expect((await second.get("/api/status", { cookie })).status).toBe(200);
  await second.close();
  const other = await guarded({ sessionsPath, passwordHash: await Bun.password.hash("another one", cheap) });
  expect((await other.get("/api/status", { cookie })).status).toBe(401);
  await other.close();
  for (const damage of ["{", '{"password":1}', '{"password":"x","sessions":[{"id":1}]}']) {
    writeFileSync(sessionsPath, damage);
    const third = await guarded({ sessionsPath });
    expect((await third.logIn(password)).status).toBe(200);
    expect(third.lines.join("")).toContain("the file of logins is damaged");
    await third.close();
  }
});

test("behind https the cookie is Secure with a prefix, and only a trusted proxy can say that it is https", async () => {
  const https = { "x-forwarded-proto": "https" };
  const cookieBehind = async (access: Partial<AuthOptions>, headers: Record<string, string>) => {
    const { logIn } = await guarded(access);
    const answer = await logIn(password, headers);
    return [
      cookieOf(answer).replace(/-[0-9a-f]{8}=.*/, ""),
      answer.headers.get("set-cookie")?.includes("; Secure") ?? false,
    ];
  };
  expect(await cookieBehind({}, https)).toEqual(["__Host-rt-data", true]);
  expect(await cookieBehind({ basePath: "/rt-data" }, https)).toEqual(["__Secure-rt-data", true]);
  expect(await cookieBehind({ trustedProxies: [] }, https)).toEqual(["rt-data", false]);
  expect(await cookieBehind({ trustedProxies: ["10.0.0.0/8"] }, https)).toEqual(["rt-data", false]);
  const { get } = await guarded({ publicUrl: "https://data.example.org" });
  const hsts = async (headers: Record<string, string>) =>
    (await get("/health/live", headers)).headers.get("strict-transport-security");
  expect(await hsts({})).toBeNull();
  expect(await hsts(https)).toContain("max-age=");
  expect(await hsts({ host: "data.example.org" })).toContain("max-age=");
});

test("what another site's page asks for is refused: WebSockets and whatever changes something", async () => {
  const { get, logIn, url, port } = await guarded();
  const cookie = cookieOf(await logIn(password));
  const own = { cookie, origin: url };
  const verify = "/api/verify/depth20/BTCUSDT/2026-11-21";
  const post = async (headers: Record<string, string>) =>
    code(await fetch(url + verify, { method: "POST", headers })).catch(() => "done");
  for (const [name, headers] of Object.entries({
    "another site": { ...own, origin: "https://evil.example" },
    "a name that begins like ours": { ...own, origin: `${url}.evil.example` },
    "another port": { ...own, origin: "http://127.0.0.1:1" },
    "a page without an origin": { ...own, origin: "null" },
    "another port, as the browser says": { ...own, "sec-fetch-site": "same-site" },
    "a cookie and no origin": { cookie },
  })) {
    expect([name, await handshake(port, "/ws/dashboard", headers)]).toEqual([name, 403]);
    expect([name, await handshake(port, "/ws/book/BTCUSDT", headers)]).toEqual([name, 403]);
    expect([name, await post(headers)]).toEqual([name, "403 cross_site"]);
  }
  expect(await post(own)).toBe("done");
  expect(await post({ ...own, "sec-fetch-site": "same-origin" })).toBe("done");
  expect(await post({ cookie, "sec-fetch-site": "same-origin" })).toBe("done");
  expect(await post(basic(password))).toBe("done");
  expect(await code(await logIn(password, { origin: "https://evil.example" }))).toBe("403 cross_site");
  expect((await get("/api/status", { cookie })).headers.get("access-control-allow-origin")).toBeNull();
});

test("our own page is recognized behind a proxy: by Host, by X-Forwarded-Host of a trusted proxy, by the public URL", async () => {
  const from = async (access: Partial<AuthOptions>, headers: Record<string, string>) => {
    const { port } = await guarded({ passwordHash: "", ...access });
    return handshake(port, "/ws/dashboard", headers);
  };
  const origin = "https://data.lan:8443";
  expect(await from({}, { host: "data.lan:8443", origin })).toBe(101);
  expect(await from({}, { host: "data.lan", origin })).toBe(101);
  expect(await from({ trustedProxies: [] }, { host: "data.lan", origin })).toBe(403);
  expect(await from({}, { host: "127.0.0.1:8000", origin, "x-forwarded-host": "data.lan:8443" })).toBe(101);
  expect(await from({ trustedProxies: [] }, { host: "nas", origin, "x-forwarded-host": "data.lan:8443" })).toBe(403);
  expect(
    await from({ publicUrl: "https://data.example.org" }, { host: "nas", origin: "https://data.example.org" }),
  ).toBe(101);
});

test("without a password only names of this machine are answered, so no other page can make its own name lead here", async () => {
  const { port } = await guarded({ passwordHash: "", publicUrl: "https://data.example.org" });
  const status = async (host: string, path = "/api/status") => (await rawGet(port, path, { host })).status;
  for (const host of ["localhost:8000", "127.0.0.1", "[::1]:8000", "192.168.0.7:8000", "nas", "nas:8000", "nas.local"])
    expect([host, await status(host)]).toEqual([host, 200]);
  expect(await status("data.example.org")).toBe(200);
  for (const host of ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example"])
    expect([host, await status(host)]).toEqual([host, 421]);
  const refused = await rawGet(port, "/api/status", { host: "evil.example" });
  expect(refused.body).toContain("unknown_host");
  expect(refused.body).toContain("http.public_url");
  expect((await rawGet(port, "/api/verify/depth20/BTCUSDT/2026-11-21", { host: "evil.example" }, "POST")).status).toBe(
    421,
  );
  expect(await handshake(port, "/ws/dashboard", { host: "evil.example", origin: "http://evil.example" })).toBe(421);
  expect(await status("evil.example", "/health/live")).toBe(200);
  const { port: withPassword } = await guarded();
  expect((await rawGet(withPassword, "/api/status", { host: "any.example.org", ...basic(password) })).status).toBe(200);
});

test("below its path everything is answered with it and without, and the path alone leads on", async () => {
  const { get, port, url } = await guarded({ basePath: "/rt-data" });
  for (const path of ["/rt-data/api/status", "/api/status", "/rt-data/dashboard", "/rt-data/state/BTCUSDT?x=/rt-data"])
    expect([path, (await get(path, basic(password))).status]).toEqual([path, 200]);
  expect(await handshake(port, "/rt-data/ws/dashboard", { ...basic(password), origin: url })).toBe(101);
  expect((await get("/rt-data-x/api/status", basic(password))).status).toBe(404);
  expect((await get("/rt-data", basic(password))).headers.get("location")).toBe("rt-data/");
  const page = await get("/rt-data/orderbook/BTCUSDT", { accept: "text/html" });
  expect(page.headers.get("location")).toBe("../login?to=orderbook%2FBTCUSDT");
  expect((await get("/rt-data/api/status")).status).toBe(401);
});

test("guessing is slowed for the address behind the proxy alone, and the log tells the address but no password", async () => {
  const { get, logIn, lines } = await guarded();
  const from = (address: string) => ({ "x-forwarded-for": `1.2.3.4, ${address}` });
  const answers: string[] = [];
  for (let n = 0; n < 8; n++) answers.push(await code(await logIn(`guess ${n}`, from("203.0.113.7"))));
  expect(answers.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => "401 wrong_password"));
  expect(answers.slice(5)).toEqual(Array.from({ length: 3 }, () => "429 too_many_attempts"));
  const waiting = await logIn(password, from("203.0.113.7"));
  expect([waiting.status, waiting.headers.get("retry-after")]).toEqual([429, "1"]);
  expect((await get("/api/status", { ...basic(password), ...from("203.0.113.7") })).status).toBe(429);
  expect((await logIn(password, from("203.0.113.8"))).status).toBe(200);
  const log = lines.join("");
  expect(log.match(/login failed/g)).toHaveLength(5);
  expect(log).toContain("address=203.0.113.7");
  expect(log).not.toMatch(/guess|correct/);
});

test("an address that has many sockets open gets no more; others and this machine do", async () => {
  const { url, socketUrl } = await guarded();
  const open = (address: string | null) => {
    const forwarded = address === null ? {} : { "x-forwarded-for": address };
    const headers = { ...basic(password), origin: url, ...forwarded };
    const socket = new WebSocket(socketUrl, { headers } as unknown as string[]);
    const seen = { closed: 0, messages: 0 };
    socket.onmessage = () => seen.messages++;
    socket.onclose = ({ code }) => {
      seen.closed = code;
    };
    cleanups.push(() => socket.close());
    return seen;
  };
  const one = Array.from({ length: 33 }, () => open("203.0.113.7"));
  await until(() => one.every(({ closed, messages }) => closed + messages > 0), "each to be let in or not");
  expect(one.filter(({ closed }) => closed === 1013)).toHaveLength(1);
  const others = [open("203.0.113.8"), ...Array.from({ length: 40 }, () => open(null))];
  await until(() => others.every(({ messages }) => messages > 0), "the others to be let in");
  expect(others.every(({ closed }) => closed === 0)).toBe(true);
});
