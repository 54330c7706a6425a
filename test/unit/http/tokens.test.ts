import { afterEach, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuthOptions } from "../../../server/http/auth/auth.ts";
import { createSecret, type TokenScope, tokenScopes } from "../../../server/http/auth/tokens/token-file.ts";
import { includesScope, scopeNeeded } from "../../../server/http/auth/tokens/token-scope.ts";
import type { ConfirmedTime } from "../../../server/platform/time/confirmed-time.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rawGet, serve } from "../../support/http/serving.ts";
import { storeToken } from "../../support/http/tokens.ts";
import { until } from "../../support/wait.ts";

const password = "correct horse";
const passwordHash = await Bun.password.hash(password, { algorithm: "argon2id", memoryCost: 64, timeCost: 2 });
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A server with a password whose tokens lie in `dataDir`. */
async function guarded(over: { dataDir?: string; access?: Partial<AuthOptions>; time?: () => ConfirmedTime } = {}) {
  const { dataDir = temporaryFolder(), access, time } = over;
  const site = await serve({ access: { passwordHash, tokensDir: dataDir, ...access }, ...(time && { time }) });
  stops.push(site.close);
  const ask = async (path: string, secret: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${secret}`, ...(init.headers as Record<string, string>) };
    const answer = await fetch(site.url + path, { redirect: "manual", ...init, headers });
    const text = await answer.text();
    return { status: answer.status, code: /"code":"(\w+)"/.exec(text)?.[1] ?? null, text };
  };
  return { ...site, dataDir, ask };
}

/** Routes that need another scope than their kind: what reads needs `read`, what acts needs `act`. */
const scopes: Readonly<Record<string, TokenScope>> = {
  "get /metrics": "metrics",
  "get /api/archives/{stream}/{symbol}/{date}/file": "download",
  "get /api/archives/days/{date}/tar": "download",
};
const isOpen = (path: string) => /^\/(health\/(live|ready)|api\/session)$/.test(path);

test("every route of the API has a scope, and each token gets exactly what its scope includes; 403 elsewhere", async () => {
  const { url, dataDir, ask } = await guarded();
  const { paths } = JSON.parse((await ask("/openapi", storeToken(dataDir, "read").secret)).text) as {
    paths: Record<string, Record<string, { summary: string }>>;
  };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]): [string, TokenScope] => {
      const route = `${method} ${path}`;
      const needed = scopes[route] ?? (method === "get" ? "read" : "act");
      // A route that sends whole files is a download.
      expect([route, /\b(tar|zip|download|The archive;)/.test(summary)]).toEqual([route, needed === "download"]);
      return [route, needed];
    }),
  );
  expect(routes.length).toBeGreaterThan(20);
  const tokens = tokenScopes.map(
    (scope) => [scope, storeToken(dataDir, scope, { name: `x-${scope}` }).secret] as const,
  );
  const more: readonly (readonly [string, TokenScope])[] = [
    ["get /ws/dashboard", "read"],
    ["get /openapi", "read"],
    ["head /metrics", "metrics"],
    ["get /dashboard", "act"],
    ["get /", "act"],
    ["get /orderbook/BTCUSDT", "act"],
    ["get /nothing", "act"],
    ["put /metrics", "act"],
    ["get //api/archives/days/2026-11-21/tar", "download"],
    ["get /api/archives/depth20/BTCUSDT/2026-11-21/file/", "download"],
    ["get /api/archives/depth20/BTCUSDT/2026-11-21/%66ile", "download"],
    ["get /api/%61rchives/depth20/BTCUSDT/2026-11-21/file", "download"],
  ];
  for (const [route, needed] of [...routes, ...more]) {
    const [method = "", template = ""] = route.split(" ");
    const path = template
      .replace("{stream}/{symbol}/{date}", "depth20/BTCUSDT/2026-11-21")
      .replace("{symbol}", "BTCUSDT");
    const target = path.replace("{date}", "2026-11-21").replace("{id}", "1");
    for (const [scope, secret] of tokens) {
      const { status, code } = await ask(target, secret, { method: method.toUpperCase() });
      const isAllowed = includesScope(scope, needed) || isOpen(target);
      // The answer to HEAD has no body.
      const isRefused = status === 403 && (code === "token_scope" || method === "head");
      expect([route, scope, isRefused, status === 401]).toEqual([route, scope, !isAllowed, false]);
    }
  }
  expect(url).toContain("127.0.0.1");
});

test("a metrics token reads the metrics, by Bearer and as password of Basic, and no reasons of /health/ready", async () => {
  const { url, port, dataDir, ask } = await guarded();
  const { secret } = storeToken(dataDir, "metrics");
  expect((await ask("/metrics", secret)).status).toBe(200);
  const basic = await fetch(`${url}/metrics`, { headers: { authorization: `Basic ${btoa(`any:${secret}`)}` } });
  expect(basic.status).toBe(200);
  expect(JSON.parse((await ask("/health/ready", secret)).text)).not.toHaveProperty("reasons");
  const reader = storeToken(dataDir, "read").secret;
  expect(JSON.parse((await ask("/health/ready", reader)).text)).toHaveProperty("reasons");
  expect(scopeNeeded("GET", "/metrics/")).toBe("read");
  // Neither a cookie is set for it, nor is it ever repeated.
  const answer = await rawGet(port, "/metrics", { authorization: `Bearer ${secret}` });
  expect([answer.headers["set-cookie"], answer.body.includes(secret)]).toEqual([undefined, false]);
});

test("a created token works at once and a revoked one fails at once, its WebSocket included", async () => {
  const { socketUrl, dataDir, ask } = await guarded();
  const secret = createSecret();
  expect(await ask("/api/status", secret)).toMatchObject({ status: 401, code: "wrong_token" });
  for (let n = 0; n < 20; n++) {
    const token = storeToken(dataDir, "read");
    expect((await ask("/api/status", token.secret)).status).toBe(200);
    rmSync(token.path);
    expect(await ask("/api/status", token.secret)).toMatchObject({ status: 401, code: "wrong_token" });
  }
  const { secret: live, path } = storeToken(dataDir, "read");
  const socket = new WebSocket(socketUrl, { headers: { authorization: `Bearer ${live}` } } as unknown as string[]);
  const closed = Promise.withResolvers<number>();
  let messages = 0;
  socket.onmessage = () => void messages++;
  socket.onclose = ({ code }) => closed.resolve(code);
  await until(() => messages > 0, "the first status");
  rmSync(path);
  expect(await closed.promise).toBe(4401);
});

test("wrong tokens cost neither the password's budget nor another token, and few lines in the log", async () => {
  const { url, lines, dataDir, ask } = await guarded();
  const { secret } = storeToken(dataDir, "read");
  for (let n = 0; n < 60; n++) expect((await ask("/api/status", createSecret())).status).toBe(401);
  expect((await ask("/api/status", secret)).status).toBe(200);
  expect(
    (await fetch(`${url}/api/status`, { headers: { authorization: `Basic ${btoa(`x:${password}`)}` } })).status,
  ).toBe(200);
  // Wrong passwords slow down their sender, but not its tokens.
  const guesses = await Promise.all(Array.from({ length: 12 }, (_, n) => ask("/api/status", `guess ${n}`)));
  expect(guesses.every(({ status }) => status === 401 || status === 429)).toBe(true);
  expect((await ask("/api/status", secret)).status).toBe(200);
  const told = lines.filter((line) => line.includes("a token was refused"));
  expect(told.length).toBe(1);
  expect(lines.join("")).not.toContain(secret);
});

const dayUs = 86_400_000_000;
const confirmed = (us: number): ConfirmedTime => ({ kind: "confirmed", us });
const unconfirmed: ConfirmedTime = { kind: "unconfirmed", why: "the clock was set" };

test("a lifetime ends by a confirmed time alone, and stays ended when the time is no longer confirmed", async () => {
  const created_us = Date.parse("2026-11-22T00:00:00Z") * 1000;
  let now: ConfirmedTime = unconfirmed;
  const site = await guarded({ time: () => now });
  const { dataDir } = site;
  const { secret } = storeToken(dataDir, "read", { created_us, lifetime_s: 86_400 });
  const status = async (ask = site.ask) => (await ask("/api/status", secret)).status;
  expect(await status()).toBe(200);
  now = confirmed(created_us + dayUs / 2);
  expect(await status()).toBe(200);
  // The clock jumps by years; it is not confirmed.
  now = unconfirmed;
  expect(await status()).toBe(200);
  now = confirmed(created_us + dayUs);
  expect(await status()).toBe(401);
  now = unconfirmed;
  expect(await status()).toBe(401);
  await site.server.stop();
  const again = await guarded({ dataDir, time: () => unconfirmed });
  expect(await status(again.ask)).toBe(401);
  expect(readFileSync(join(dataDir, "token-uses.json"), "utf8")).not.toContain(secret);
});

test("a token created under a wrong clock lives its whole lifetime from when the recorder first sees it", async () => {
  const nowUs = Date.parse("2026-11-22T00:00:00Z") * 1000;
  let now = confirmed(nowUs);
  const { dataDir, ask } = await guarded({ time: () => now });
  for (const created_us of [0, nowUs + 4000 * dayUs]) {
    now = confirmed(nowUs);
    const { secret } = storeToken(dataDir, "read", { created_us, lifetime_s: 86_400 });
    const status = async () => (await ask("/api/status", secret)).status;
    expect(await status()).toBe(200);
    now = confirmed(nowUs + dayUs - 1);
    expect(await status()).toBe(200);
    now = confirmed(nowUs + dayUs);
    expect(await status()).toBe(401);
  }
});

test("a damaged token is refused and named; a disk that does not answer does not lock out a token that was right before", async () => {
  const { lines, dataDir, ask } = await guarded();
  const [good, bad] = [storeToken(dataDir, "read"), storeToken(dataDir, "read", { name: "bad" })];
  expect((await ask("/api/status", good.secret)).status).toBe(200);
  writeFileSync(bad.path, '{"name":"bad","scope":"everything"}');
  expect((await ask("/api/status", bad.secret)).code).toBe("wrong_token");
  expect(lines.join("")).toContain("a token's file is damaged");
  // A folder in place of the file: an error that is not "there is no such file".
  for (const { path } of [good, bad]) {
    renameSync(path, `${path}.away`);
    mkdirSync(path);
  }
  expect((await ask("/api/status", good.secret)).status).toBe(200);
  expect(await ask("/api/status", bad.secret)).toMatchObject({ status: 503, code: "tokens_unreadable" });
});

test("uses are saved when the recorder stops, and the notes of revoked tokens go", async () => {
  const dataDir = temporaryFolder();
  const site = await guarded({ dataDir });
  const [kept, gone] = [storeToken(dataDir, "read"), storeToken(dataDir, "metrics")];
  for (const { secret } of [kept, gone]) await site.ask("/metrics", secret);
  rmSync(gone.path);
  await site.server.stop();
  const { tokens } = JSON.parse(readFileSync(join(dataDir, "token-uses.json"), "utf8"));
  expect(Object.keys(tokens)).toEqual(readdirSync(join(dataDir, "tokens")).map((name) => name.replace(".json", "")));
  expect(Object.values(tokens)).toEqual([{ from_us: null, used_us: expect.any(Number), is_expired: false }]);
});
