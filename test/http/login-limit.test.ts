import { expect, test } from "bun:test";
import { createLogin } from "../../server/http/login.ts";
import { createLoginLimit } from "../../server/http/login-limit.ts";
import { createPasswordCheck } from "../../server/http/password-check.ts";
import { createSessions, sessionMs } from "../../server/http/sessions.ts";
import { silentLog } from "../../server/log.ts";

const hourMs = 3_600_000;

/** A login whose password is "right", with a clock that the test moves. */
function door() {
  const clock = { ms: 0 };
  const seen = { verified: 0, atOnce: 0, most: 0 };
  const verifyHash = async (password: string) => {
    seen.verified++;
    seen.most = Math.max(seen.most, ++seen.atOnce);
    await Promise.resolve();
    seen.atOnce--;
    return password === "right";
  };
  const sleep = () => Promise.resolve();
  const login = createLogin("hash", { nowMs: () => clock.ms, log: silentLog, verifyHash, sleep });
  return { clock, seen, login };
}

/** Guesses as fast as it is let, always waiting for as long as it is told to, 100,000 times at most; returns how many guesses were looked at. */
async function guessFor(ms: number, { clock, seen, login }: ReturnType<typeof door>, address: (n: number) => string) {
  const from = seen.verified;
  const end = clock.ms + ms;
  for (let n = 0; clock.ms < end && n < 100_000; n++) {
    const result = await login.attempt(address(n), `guess ${n}`, false);
    if (result.kind === "wait") clock.ms += result.waitMs;
    else if (result.kind === "wrong") clock.ms += 1;
  }
  return seen.verified - from;
}

test("one address that guesses for a day gets fewer than 150 guesses, and each wait is twice the last", async () => {
  const one = door();
  const waits: number[] = [];
  for (let n = 0; n < 16; n++) {
    const result = await one.login.attempt("203.0.113.7", `guess ${n}`, false);
    if (result.kind === "wrong") {
      waits.push(result.waitMs / 1000);
      one.clock.ms += result.waitMs;
    }
  }
  expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  expect(await guessFor(24 * hourMs, one, () => "203.0.113.7")).toBeLessThan(150);
});

test("many addresses that guess for a day get one guess in ten seconds together; one that has logged in before is not held up", async () => {
  const many = door();
  expect((await many.login.attempt("198.51.100.1", "right", false)).kind).toBe("right");
  const guesses = await guessFor(24 * hourMs, many, (n) => `2001:db8:${(n % 60_000).toString(16)}::1`);
  expect(guesses).toBeLessThanOrEqual(50 + 8641);
  expect(guesses).toBeGreaterThan(8000);
  await many.login.attempt("203.0.113.9", "guess", false);
  expect((await many.login.attempt("203.0.113.10", "right", false)).kind).toBe("wait");
  expect((await many.login.attempt("198.51.100.1", "right", false)).kind).toBe("right");
});

test("a whole /64 of IPv6 is one address", async () => {
  const limit = createLoginLimit(() => 0);
  for (let n = 0; n < 5; n++) limit.begin(`2001:db8:1:2::${n}`);
  expect(limit.waitMs("2001:0db8:1:2:ffff::9")).toBeGreaterThan(0);
  expect(limit.waitMs("2001:db8:1:3::9")).toBe(0);
});

test("a thousand guesses at the same moment are five, checked one after the other; the right one of many programs at once is one", async () => {
  const { seen, login } = door();
  const results = await Promise.all(
    Array.from({ length: 1000 }, (_, n) => login.attempt("203.0.113.7", `guess ${n}`, true)),
  );
  expect(results.filter(({ kind }) => kind === "wrong")).toHaveLength(5);
  expect(results.filter(({ kind }) => kind === "wait")).toHaveLength(995);
  expect(seen).toMatchObject({ verified: 5, most: 1 });
  const right = await Promise.all(Array.from({ length: 100 }, () => login.attempt("203.0.113.8", "right", true)));
  expect(right.every(({ kind }) => kind === "right")).toBe(true);
  expect(seen.verified).toBe(6);
  await login.attempt("203.0.113.8", "right", true);
  expect(seen.verified).toBe(6);
});

test("who has to wait is not told whether the password was right, even if it is known already", async () => {
  const { seen, login } = door();
  await login.attempt("203.0.113.7", "right", true);
  for (let n = 0; n < 5; n++) await login.attempt("203.0.113.7", `guess ${n}`, true);
  const verified = seen.verified;
  for (const password of ["right", "wrong"])
    expect((await login.attempt("203.0.113.7", password, true)).kind).toBe("wait");
  expect(seen.verified).toBe(verified);
});

test("more logins than can wait are told to come back, which does not count against them", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const verifyHash = async (password: string) => {
    await held;
    return password === "right";
  };
  const check = createPasswordCheck("hash", { verifyHash, sleep: () => Promise.resolve() });
  const waiting = Array.from({ length: 17 }, (_, n) => check.verify(`guess ${n}`));
  expect(await waiting[16]).toBe("busy");
  release();
  expect((await Promise.all(waiting.slice(0, 16))).every((result) => result === "wrong")).toBe(true);
  expect(await check.verify("right")).toBe("right");
  expect([check.isKnown("right"), check.isKnown("wrong")]).toEqual([true, false]);
});

test("a session ends thirty days after its last use; the one unused for longest makes room", async () => {
  let now = 1_700_000_000_000;
  const ended: string[] = [];
  const sessions = createSessions(
    { path: null, passwordHash: "hash" },
    { time: () => ({ kind: "confirmed", us: now * 1000 }), log: silentLog, onEnd: (id) => ended.push(id) },
  );
  const used = sessions.create();
  const unused = sessions.create();
  for (let day = 0; day < 60; day++) {
    now += 24 * hourMs;
    const id = sessions.find(used);
    expect([day, id === null]).toEqual([day, false]);
    sessions.renew(id ?? "");
  }
  expect(sessions.find(unused)).toBeNull();
  expect(ended).toHaveLength(1);
  now += sessionMs;
  expect(sessions.find(used)).toBeNull();
  const oldest = sessions.create();
  const tokens = Array.from({ length: 200 }, () => {
    now += 1;
    return sessions.create();
  });
  expect(sessions.find(oldest)).toBeNull();
  expect(tokens.every((token) => sessions.find(token) !== null)).toBe(true);
});
