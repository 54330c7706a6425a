import { expect, test } from "bun:test";
import { createKnownLogins } from "../../../server/http/auth/lanes/known-logins.ts";
import { createLoginRateLimit } from "../../../server/http/auth/lanes/login-rate-limit.ts";
import { networkOf } from "../../../server/http/auth/lanes/network.ts";
import { type Applicant, createLogin } from "../../../server/http/auth/login.ts";
import { createPasswordCheck } from "../../../server/http/auth/password-check.ts";
import { createSessions, sessionMs } from "../../../server/http/auth/sessions.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createManualTime } from "../../support/time/manual-time.ts";

const hourMs = 3_600_000;
const stranger = (address: string, more: Partial<Applicant> = {}): Applicant => ({
  ...{ address, isLocal: false, device: null, client: null, waits: true, signal: null },
  ...more,
});

/** A login whose password is "right", with a clock that the test moves. */
function door() {
  const time = createManualTime(0);
  const seen = { verified: 0, atOnce: 0, most: 0 };
  const verifyHash = async (password: string) => {
    seen.verified++;
    seen.most = Math.max(seen.most, ++seen.atOnce);
    await Promise.resolve();
    seen.atOnce--;
    return password === "right";
  };
  const known = createKnownLogins("hash", { onChange: () => {} });
  const deps = {
    nowMs: time.now,
    after: time.after,
    known,
    log: silentLog,
    verifyHash,
    sleep: () => Promise.resolve(),
  };
  const login = createLogin("hash", deps);
  const seenWrong = { count: 0 };
  /** One attempt; if it has to queue, the clock moves on to its turn. */
  const attempt = async (applicant: Applicant, password: string) => {
    let result = login.attempt(applicant, password);
    if (result instanceof Promise) {
      let isOver = false;
      const over = result.finally(() => {
        isOver = true;
      });
      for (let n = 0; n < 50; n++) await Promise.resolve();
      while (!isOver) {
        time.next();
        for (let n = 0; n < 50; n++) await Promise.resolve();
      }
      result = await over;
    }
    if (result.kind === "wrong") seenWrong.count++;
    return result;
  };
  return { time, seen, seenWrong, known, login, attempt };
}

/** Guesses as fast as it is let, always waiting for as long as it is told to, 120,000 times at most; returns how many guesses were looked at. */
async function guessFor(
  ms: number,
  { time, seenWrong, attempt }: ReturnType<typeof door>,
  of: (n: number) => Applicant,
) {
  const from = seenWrong.count;
  const end = time.now() + ms;
  for (let n = 0; time.now() < end && n < 120_000; n++) {
    const result = await attempt(of(n), `guess ${n}`);
    if (result.kind === "wait") time.advance(result.waitMs);
    else if (result.kind === "wrong") time.advance(1);
  }
  return seenWrong.count - from;
}

test("one address that guesses for a day gets fewer than 150 guesses, and each wait is twice the last", async () => {
  const one = door();
  const waits: number[] = [];
  for (let n = 0; n < 16; n++) {
    const result = await one.attempt(stranger("203.0.113.7"), `guess ${n}`);
    if (result.kind === "wrong") {
      waits.push(result.waitMs / 1000);
      one.time.advance(result.waitMs);
    }
  }
  expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  expect(await guessFor(24 * hourMs, one, () => stranger("203.0.113.7"))).toBeLessThan(150);
});

test("a device that has been let in before is limited by itself, as one address is", async () => {
  const one = door();
  const guesses = await guessFor(24 * hourMs, one, () => stranger("203.0.113.7", { device: "mina's phone" }));
  expect(guesses).toBeLessThan(150);
  const phone = stranger("203.0.113.7", { device: "mina's phone" });
  one.time.advance(15 * 60_000);
  expect((await one.attempt(phone, "guess")).kind).toBe("wrong");
  expect((await one.attempt(phone, "right")).kind).toBe("wait");
  expect((await one.attempt(stranger("203.0.113.7", { device: "another" }), "right")).kind).toBe("right");
});

test("all strangers together have one budget: every network its first guesses, and then a fixed rate for all", async () => {
  const many = door();
  await many.attempt(stranger("198.51.100.1"), "right");
  const first = await guessFor(24 * hourMs, many, (n) => stranger(`10.${n % 200}.${(n >> 8) % 200}.${n % 251}`));
  expect(first).toBeLessThan(25_000 + 50 + 86_400 / 5 + 86_400 / 10 + 2);
  const site = door();
  await site.attempt(stranger("198.51.100.1"), "right");
  const rotating = await guessFor(24 * hourMs, site, (n) => stranger(`2001:db8:7:${(n % 60_000).toString(16)}::1`));
  expect(rotating).toBeLessThan(16 + 50 + 8641);
}, 60_000);

test("whoever was right before is let in while strangers have used up all that is theirs", async () => {
  const { attempt, time } = door();
  const program = stranger("198.51.100.2", { client: "prometheus\nPrometheus/3" });
  for (const owner of [stranger("198.51.100.1"), program]) expect((await attempt(owner, "right")).kind).toBe("right");
  for (let n = 0; n < 30_000; n++) await attempt(stranger(`10.1.${n >> 8}.${n & 255}`), "guess");
  expect((await attempt(stranger("10.99.0.1"), "guess")).kind).toBe("wait");
  for (let n = 0; n < 45; n++) {
    for (const owner of [
      program,
      stranger("198.51.100.1"),
      stranger("198.51.100.2"),
      stranger("203.0.113.1", { device: "mina's phone" }),
      stranger("127.0.0.1", { isLocal: true }),
    ])
      expect((await attempt(owner, "right")).kind).toBe("right");
    time.advance(100);
  }
}, 60_000);

test("a guesser behind the owner's own address costs neither the known device nor the known program their entry", async () => {
  const { attempt, known } = door();
  const home = "198.51.100.1";
  const device = known.deviceOf(known.createDevice());
  const program = stranger(home, { client: "prometheus\nPrometheus/3" });
  expect((await attempt(program, "right")).kind).toBe("right");
  for (let n = 0; n < 6100; n++) await attempt(stranger(home), `guess ${n}`);
  for (let n = 0; n < 10; n++) await attempt(stranger(home, { client: "x\ncurl" }), `guess ${n}`);
  expect((await attempt(stranger(home, { client: "x\ncurl" }), "right")).kind).toBe("wait");
  expect((await attempt(stranger(home), "guess")).kind).toBe("wait");
  for (let n = 0; n < 45; n++) {
    expect((await attempt(program, "right")).kind).toBe("right");
    expect((await attempt(stranger(home, { device }), "right")).kind).toBe("right");
  }
  // Even a client that imitates the program guesses at a bounded rate and does not shut the program out.
  for (let n = 0; n < 4000; n++) await attempt(program, `guess ${n}`);
  expect((await attempt(program, "right")).kind).toBe("right");
}, 60_000);

test("whoever is known is told to wait after wrong guesses, and a right password is let in all the same", async () => {
  const { attempt } = door();
  const places = [
    stranger("198.51.100.1", { client: "prometheus\nPrometheus/3" }),
    stranger("198.51.100.1"),
    stranger("127.0.0.1", { isLocal: true }),
    stranger("127.0.0.1", { isLocal: true, client: "x\ncurl" }),
  ];
  for (const place of places) {
    expect((await attempt(place, "right")).kind).toBe("right");
    const kinds: string[] = [];
    for (let n = 0; n < 7; n++) kinds.push((await attempt(place, `guess ${n}`)).kind);
    expect(kinds).toEqual(["wrong", "wrong", "wrong", "wrong", "wrong", "wait", "wait"]);
    expect((await attempt(place, "right")).kind).toBe("right");
  }
});

test("a new network goes before all that have guessed wrong, however many of them wait", async () => {
  const { attempt, login, time } = door();
  await attempt(stranger("198.51.100.1"), "right");
  const guessers = Array.from({ length: 300 }, (_, n) => stranger(`10.0.${n >> 8}.${n & 255}`));
  for (const guesser of guessers) await attempt(guesser, "guess");
  const order: string[] = [];
  const waiting = guessers.map(async (guesser, n) => {
    const { kind } = await login.attempt(guesser, `guess ${n}`);
    if (kind === "wrong") order.push("guesser");
  });
  const owner = (async () => {
    const { kind } = await login.attempt(stranger("203.0.113.5"), "right");
    order.push(`owner ${kind}`);
  })();
  time.advance(20);
  await owner;
  expect(order.length).toBeLessThanOrEqual(3);
  expect(order).toContain("owner right");
  while (time.next());
  await Promise.all(waiting);
});

test("a new device in a quiet neighbourhood goes before a crowd of new networks, and is not held back by having been refused", async () => {
  const { attempt, login, time } = door();
  await attempt(stranger("198.51.100.1"), "right");
  const waiting = Array.from({ length: 1000 }, (_, n) => login.attempt(stranger(`10.0.${n >> 8}.${n & 255}`), "guess"));
  for (let n = 0; n < 3; n++) {
    const owner = login.attempt(stranger("203.0.113.5"), "right");
    time.advance(20);
    expect((await owner).kind).toBe("right");
  }
  while (time.next());
  const kinds = await Promise.all(waiting);
  expect(kinds.filter(({ kind }) => kind === "wait").length).toBeGreaterThan(300);
});

test("a whole /64 of IPv6 is one address", () => {
  const limit = createLoginRateLimit(() => 0, 10);
  for (let n = 0; n < 5; n++) limit.begin(networkOf(`2001:db8:1:2::${n}`));
  expect(limit.waitMs(networkOf("2001:0db8:1:2:ffff::9"))).toBeGreaterThan(0);
  expect(limit.waitMs(networkOf("2001:db8:1:3::9"))).toBe(0);
});

test("of a thousand guesses at the same moment five are checked in turn; many programs with the right password at once share a check", async () => {
  const { seen, login, time } = door();
  const atOnce = async (count: number, ask: (n: number) => ReturnType<typeof login.attempt>) => {
    let left = count;
    const all = Array.from({ length: count }, async (_, n) => {
      const result = await ask(n);
      left--;
      return result;
    });
    while (left > 0) {
      for (let n = 0; n < 20; n++) await Promise.resolve();
      time.advance(10);
    }
    return Promise.all(all);
  };
  const guesser = stranger("203.0.113.7", { client: "a" });
  const results = await atOnce(1000, (n) => login.attempt(guesser, `guess ${n}`));
  expect(results.filter(({ kind }) => kind === "wrong")).toHaveLength(5);
  expect(results.filter(({ kind }) => kind === "wait")).toHaveLength(995);
  // Two lanes, one at a time each.
  expect(seen.verified).toBe(5);
  expect(seen.most).toBeLessThanOrEqual(2);
  const program = stranger("203.0.113.8", { isLocal: true, client: "b" });
  const right = await atOnce(50, () => login.attempt(program, "right"));
  expect(right.every(({ kind }) => kind === "right")).toBe(true);
  expect(seen.verified).toBe(6);
  expect(login.attempt(program, "right")).toEqual({ kind: "right" });
});

test("a stranger who has to wait is not told whether the password was right, even if it is known already", async () => {
  const { seen, attempt } = door();
  await attempt(stranger("203.0.113.1"), "right");
  for (let n = 0; n < 5; n++) await attempt(stranger("203.0.113.7"), `guess ${n}`);
  const verified = seen.verified;
  for (const password of ["right", "wrong"])
    expect((await attempt(stranger("203.0.113.7"), password)).kind).toBe("wait");
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

test("a device's cookie is good under its own password alone, and cannot be made up", () => {
  const known = createKnownLogins("hash", { onChange: () => {} });
  const cookie = known.createDevice();
  expect(known.deviceOf(cookie)).toBe(cookie.split(".")[0] ?? "");
  const again = createKnownLogins("hash", { onChange: () => {} });
  expect(again.deviceOf(cookie)).not.toBeNull();
  expect(createKnownLogins("another", { onChange: () => {} }).deviceOf(cookie)).toBeNull();
  const [name, signature] = cookie.split(".");
  const other = cookie.startsWith("A") ? "B" : "A";
  for (const forged of [
    "",
    "x",
    name,
    `${name}.`,
    `${other}${cookie.slice(1)}`,
    `${name}.${"A".repeat(43)}`,
    `.${signature}`,
  ])
    expect(known.deviceOf(forged ?? "")).toBeNull();
});

test("a session ends thirty days of running after its last use; the session unused for longest makes room", async () => {
  let now = 1_700_000_000_000;
  const ended: string[] = [];
  const sessions = createSessions({ runMs: () => now, onEnd: (id) => ended.push(id), onChange: () => {} });
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

test("a browser that is in use stays logged in, however often a script logs in on the same day, over a restart too", () => {
  let now = 0;
  const start = () => createSessions({ runMs: () => now, onEnd: () => {}, onChange: () => {} });
  let sessions = start();
  const browser = sessions.create();
  for (let login = 0; login < 1000; login++) {
    now += 60_000;
    sessions.create();
    expect([login, sessions.find(browser) === null]).toEqual([login, false]);
    if (login !== 500) continue;
    const stored = sessions.all();
    sessions = start();
    sessions.restore(stored);
  }
  expect(sessions.all()).toHaveLength(200);
});
