import { afterEach, expect, test } from "bun:test";
import { loadConfig } from "../../../server/config/config.ts";
import type { AuthOptions } from "../../../server/http/auth/auth.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rawGet, serve } from "../../support/http/serving.ts";
import { storeToken } from "../../support/http/tokens.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A server behind a proxy that logs people in; requests of this test come from 127.0.0.1. */
async function behindProxy(access: Partial<AuthOptions> = {}) {
  const site = await serve({ access: { userHeader: "Remote-User", ...access } });
  stops.push(site.close);
  const status = async (path: string, headers: Record<string, string> = {}, method = "GET") =>
    (await rawGet(site.port, path, headers, method)).status;
  return { ...site, status };
}

const user = { "Remote-User": "ada" };
const ownPage = (port: number) => ({ ...user, origin: `http://127.0.0.1:${port}`, "sec-fetch-site": "same-origin" });

test("whom a trusted proxy names gets in, without a password; everybody else gets 401, and health stays open", async () => {
  const { status, url } = await behindProxy();
  for (const path of ["/api/status", "/dashboard", "/metrics", "/openapi"]) {
    expect([path, await status(path, user)]).toEqual([path, 200]);
    expect([path, await status(path)]).toEqual([path, 401]);
    expect([path, await status(path, { "Remote-User": " " })]).toEqual([path, 401]);
    expect([path, await status(path, { "X-Remote-User": "ada" })]).toEqual([path, 401]);
  }
  expect(await status("/health/ready")).toBe(200);
  const refused = await fetch(`${url}/dashboard`, { headers: { accept: "text/html" }, redirect: "manual" });
  expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining("through the proxy")]);
  const session = await fetch(`${url}/api/session`, { headers: user });
  expect(await session.json()).toEqual({ password: false, logged_in: true });
});

test("the header is believed of trusted proxies alone, whatever else the request claims", async () => {
  const { status } = await behindProxy({ trustedProxies: ["10.9.9.9"] });
  expect(await status("/api/status", user)).toBe(401);
  for (const name of ["x-forwarded-for", "x-real-ip", "forwarded"])
    expect(await status("/api/status", { ...user, [name]: "10.9.9.9" })).toBe(401);
  const off = await behindProxy({ userHeader: "", passwordHash: await cheapHash() });
  expect(await off.status("/api/status", user)).toBe(401);
});

test("a request that acts must come from our own page, as the proxy's login rests on a cookie", async () => {
  const { status, port } = await behindProxy();
  const path = "/api/verify/depth20/BTCUSDT/2026-11-21";
  expect(await status(path, user, "POST")).toBe(403);
  expect(await status(path, { ...ownPage(port), origin: "http://evil.example" }, "POST")).toBe(403);
  expect(await status(path, { ...user, "sec-fetch-site": "cross-site" }, "POST")).toBe(403);
  expect([202, 404]).toContain(await status(path, ownPage(port), "POST"));
});

test("a page that points its own name to this machine cannot let itself in by the header", async () => {
  const { status } = await behindProxy({ publicUrl: "https://data.example.org" });
  expect(await status("/api/status", { ...user, host: "evil.example" })).toBe(421);
  expect(await status("/api/status", { ...user, host: "data.example.org" })).toBe(200);
  expect(await status("/health/ready", { ...user, host: "evil.example" })).toBe(200);
});

test("password and tokens work beside the header", async () => {
  const dataDir = temporaryFolder();
  const { status } = await behindProxy({ passwordHash: await cheapHash(), tokensDir: dataDir });
  const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
  expect(await status("/api/status", bearer("correct horse"))).toBe(200);
  expect(await status("/metrics", bearer(storeToken(dataDir, "metrics").secret))).toBe(200);
  const only = await behindProxy({ tokensDir: dataDir });
  expect(await only.status("/metrics", bearer(storeToken(dataDir, "metrics").secret))).toBe(200);
  expect(await only.status("/metrics", bearer("correct horse"))).toBe(401);
});

test("the config takes only headers that a browser does not send by itself, and such a header guards the address", () => {
  const load = (name: string) => loadConfig(null, { "http.trusted_user_header": name, "http.host": "0.0.0.0" }, {});
  for (const name of ["Remote-User", "X-Forwarded-User", "X-Auth-Request-Email", "Tailscale-User-Login"])
    expect([name, load(name).ok]).toEqual([name, true]);
  const refused =
    "User-Agent Accept-Language cookie X-Forwarded-For Host Origin Sec-Fetch-Site Authorization a:b Remote_User";
  for (const name of refused.split(" ")) expect([name, load(name).ok]).toEqual([name, false]);
  // Without it an address that others can reach needs a password.
  expect(load("").ok).toBe(false);
});

function cheapHash(): Promise<string> {
  return Bun.password.hash("correct horse", { algorithm: "argon2id", memoryCost: 64, timeCost: 2 });
}
