import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AuthOptions } from "../../../server/http/auth/auth.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { serve } from "../../support/http/serving.ts";

const password = "correct horse";
/** A cheap hash: argon2 is not under test here. */
const cheap = { algorithm: "argon2id", memoryCost: 256, timeCost: 2 } as const;
const passwordHash = await Bun.password.hash(password, cheap);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Headers = Record<string, string>;
const from = (address: string): Headers => ({ "x-forwarded-for": address });
const basic = (word: string): Headers => ({ authorization: `Basic ${btoa(`prometheus:${word}`)}` });

async function guarded(access: Partial<AuthOptions> = {}) {
  const site = await serve({ access: { passwordHash, ...access } });
  cleanups.push(site.close);
  const get = async (path: string, headers: Headers) => {
    const answer = await fetch(site.url + path, { headers, redirect: "manual" });
    await answer.arrayBuffer();
    return answer.status;
  };
  const logIn = async (word: string, headers: Headers) => {
    const answer = await fetch(`${site.url}/api/session`, {
      method: "POST",
      body: JSON.stringify({ password: word }),
      headers: { "content-type": "application/json", ...headers },
    });
    await answer.arrayBuffer();
    return answer;
  };
  return { ...site, get, logIn };
}

/** A browser with the cookies of its last login. */
function cookiesOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((line) => line.split(";")[0] ?? "")
    .join("; ");
}

const deviceOf = (cookies: string) => cookies.split("; ").find((pair) => pair.includes("-device-")) ?? "";

/** Guesses with `width` requests at once, for as long as it is not stopped; each from what `sender` says. */
function storm(site: Awaited<ReturnType<typeof guarded>>, width: number, sender: (n: number) => Headers) {
  let isOver = false;
  const told = new Map<number, number>();
  let n = 0;
  const one = async () => {
    while (!isOver) {
      const headers = sender(n++);
      const status =
        n % 2 === 0
          ? (await site.logIn(`guess ${n}`, headers)).status
          : await site.get("/metrics", { ...basic(`guess ${n}`), ...headers });
      told.set(status, (told.get(status) ?? 0) + 1);
    }
  };
  const all = Promise.all(Array.from({ length: width }, one));
  return {
    told,
    count: () => n,
    async stop() {
      isOver = true;
      await all;
    },
  };
}

const addresses = Array.from({ length: 10_000 }, (_, n) => `10.${n % 50}.${(n * 7) % 251}.${n % 253}`);
const home = "198.51.100.7";

test("while 10,000 addresses and the owner's own guess, the known browser, the program and this machine get in every time, and a new device does", async () => {
  const site = await guarded();
  const browser = cookiesOf(await site.logIn(password, from(home)));
  expect(await site.get("/metrics", { ...basic(password), ...from(home) })).toBe(200);
  const strangers = storm(site, 20, (n) => from(addresses[n % addresses.length] ?? ""));
  const neighbour = storm(site, 10, () => from(home));
  cleanups.push(strangers.stop, neighbour.stop);
  const device = { cookie: deviceOf(browser) };
  const refused: string[] = [];
  const waits: number[] = [];
  for (let n = 0; n < 45; n++) {
    const tries: readonly [string, () => Promise<number>][] = [
      ["the session", () => site.get("/api/status", { cookie: browser, ...from(home) })],
      ["the known browser", async () => (await site.logIn(password, { ...device, ...from(home) })).status],
      [
        "the known browser, elsewhere",
        async () => (await site.logIn(password, { ...device, ...from("192.0.2.9") })).status,
      ],
      ["Prometheus", () => site.get("/metrics", { ...basic(password), ...from(home) })],
      ["this machine", () => site.get("/metrics", basic(password))],
    ];
    const fresh: typeof tries = [
      ["a new device", async () => (await site.logIn(password, from(`203.0.113.${n}`))).status],
      ["a new device at home", async () => (await site.logIn(password, from(home))).status],
    ];
    for (const [name, attempt] of n % 9 === 0 ? [...tries, ...fresh] : tries) {
      const began = performance.now();
      const status = await attempt();
      if (name.startsWith("a new device")) waits.push(performance.now() - began);
      if (status !== 200) refused.push(`${name}: ${status}`);
    }
  }
  await strangers.stop();
  await neighbour.stop();
  const slowest = Math.max(...waits);
  const guesses = strangers.count() + neighbour.count();
  console.log(
    `${guesses} guesses ${JSON.stringify([...strangers.told, ...neighbour.told])}; slowest new device ${slowest.toFixed(0)} ms`,
  );
  expect(refused).toEqual([]);
  expect(slowest).toBeLessThan(15_000);
}, 60_000);

test("known devices outlive a restart, in a small file without a password, a token or an address; a new password ends them", async () => {
  const sessionsPath = join(temporaryFolder(), "sessions.json");
  const first = await guarded({ sessionsPath });
  const browser = cookiesOf(await first.logIn(password, from(home)));
  expect(await first.get("/metrics", { ...basic(password), ...from(home) })).toBe(200);
  await first.close();
  const text = readFileSync(sessionsPath, "utf8");
  for (const secret of [home, password, passwordHash, "prometheus", browser.split("=")[1] ?? ""])
    expect(text).not.toContain(secret.slice(0, 40));

  const second = await guarded({ sessionsPath });
  expect(await second.get("/api/status", { cookie: browser })).toBe(200);
  const strangers = storm(second, 20, (n) => from(addresses[n % addresses.length] ?? ""));
  cleanups.push(strangers.stop);
  for (let n = 0; n < 10; n++) {
    expect((await second.logIn(password, { cookie: deviceOf(browser), ...from("192.0.2.9") })).status).toBe(200);
    expect(await second.get("/metrics", { ...basic(password), ...from(home) })).toBe(200);
  }
  await strangers.stop();
  await second.close();

  const other = await guarded({ sessionsPath, passwordHash: await Bun.password.hash("another one", cheap) });
  expect(await other.get("/api/status", { cookie: browser })).toBe(401);
  for (let n = 0; n < 6; n++) await other.logIn(`guess ${n}`, { cookie: deviceOf(browser), ...from("192.0.2.9") });
  // No device of the old password is known: it is a stranger like any other.
  expect((await other.logIn("another one", { cookie: deviceOf(browser), ...from("192.0.2.9") })).status).toBe(429);
}, 60_000);

test("two recorders on one host, and two paths of one host, do not log each other out", async () => {
  const sites = await Promise.all([guarded(), guarded(), guarded({ basePath: "/two" })]);
  let jar = "";
  for (const site of sites) {
    const fresh = cookiesOf(await site.logIn(password, { cookie: jar }));
    jar = jar === "" ? fresh : `${jar}; ${fresh}`;
    const names = jar.split("; ").map((pair) => pair.split("=")[0]);
    expect(new Set(names).size).toBe(names.length);
  }
  for (const site of sites) expect(await site.get("/api/status", { cookie: jar })).toBe(200);
});

test("a wall clock that jumps a month ahead or back does not end sessions", async () => {
  const sessionsPath = join(temporaryFolder(), "sessions.json");
  const real = Date.now;
  cleanups.push(() => {
    Date.now = real;
  });
  const first = await guarded({ sessionsPath });
  const cookie = cookiesOf(await first.logIn(password, {}));
  for (const days of [31, 400, -400]) {
    Date.now = () => real() + days * 86_400_000;
    expect([days, await first.get("/api/status", { cookie })]).toEqual([days, 200]);
  }
  await first.close();
  Date.now = () => real() + 31 * 86_400_000;
  const second = await guarded({ sessionsPath });
  expect(await second.get("/api/status", { cookie })).toBe(200);
});
