/**
 * `bun test/bench/web/login.ts [seconds]`: whether the time that a wrong password takes tells anything about it, and whether a storm of
 * guesses, from 10,000 addresses and from the owner's own, costs the recording anything (15 symbols, 3,000 messages/s, everything on the
 * same cores), and how the owner fares meanwhile.
 */
import { join } from "node:path";
import type { Status } from "../../../server/domain/status.ts";
import { createKnownLogins } from "../../../server/http/auth/lanes/known-logins.ts";
import { createLogin } from "../../../server/http/auth/login.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { hashPassword } from "../../../server/platform/password-hash.ts";
import { start } from "../../support/program.ts";
import { cpuUs, median, residentBytes } from "../cpu.ts";
import { startRecorder, startSender, symbolNames } from "../processes.ts";
import { watchFlushes } from "../record/flushes.ts";
import { fareOf } from "./owner.ts";

const seconds = Number(process.argv[2] ?? 30);
const home = "198.51.100.7";
const password = "correct horse battery staple";
const passwordHash = await hashPassword(password);

type Told = { readonly guesses: number; readonly statuses: Readonly<Record<string, number>> };

await compareTimes(150);
await storm();

/** Kinds in turn, so that other work of the machine affects all alike; each attempt has a day of its own, so that it never has to wait. */
async function compareTimes(rounds: number): Promise<void> {
  let nowMs = 0;
  const known = createKnownLogins(passwordHash, { onChange: () => {} });
  const login = createLogin(passwordHash, {
    nowMs: () => nowMs,
    known,
    log: silentLog,
    sleep: () => Promise.resolve(),
  });
  const guesser = { address: "203.0.113.7", isLocal: false, device: null, client: "a", waits: true, signal: null };
  const kinds = {
    "nothing like it": "x",
    "all but the last letter": password.slice(0, -1),
    "256 letters": "y".repeat(256),
    "Korean letters": "비밀번호를 모릅니다",
  };
  const times = new Map(Object.keys(kinds).map((kind) => [kind, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [kind, wrong] of Object.entries(kinds)) {
      nowMs += 25 * 3_600_000;
      const began = performance.now();
      const { kind: result } = await login.attempt(guesser, `${wrong}`);
      if (result !== "wrong") throw new Error(`a wrong password was ${result}`);
      times.get(kind)?.push(performance.now() - began);
    }
  }
  console.log(
    `a wrong password, ${rounds} times each, in turn\n\n| kind | median, ms | mean ± standard error, ms |\n|---|---|---|`,
  );
  for (const [kind, all] of times) {
    const mean = all.reduce((sum, ms) => sum + ms, 0) / all.length;
    const deviation = Math.sqrt(all.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / (all.length - 1));
    console.log(
      `| ${kind} | ${median(all).toFixed(1)} | ${mean.toFixed(1)} ± ${(deviation / Math.sqrt(all.length)).toFixed(1)} |`,
    );
  }
}

async function storm(): Promise<void> {
  const symbols = symbolNames(15);
  const sender = await startSender(3000, symbols.length);
  const recorder = await startRecorder(sender, {
    symbols: symbols.length,
    env: { RT_DATA_HTTP_PASSWORD_HASH: passwordHash },
  });
  const { url, dataDir } = recorder;
  try {
    await Bun.sleep(5000);
    console.log(
      "\n| guesses | sent/s | looked at | refused | flush delay p50 / p99 / most, ms | records/s | CPU, % | memory, MB |",
    );
    console.log("|---|---|---|---|---|---|---|---|");
    for (const perSecond of [0, 200, 0, 200]) await phase(perSecond);
  } finally {
    await recorder.stop();
    await sender.stop();
  }

  async function phase(perSecond: number): Promise<void> {
    const before = { records: await records(), cpu: cpuUs(recorder.pid), at: performance.now() };
    const words = [process.execPath, join(import.meta.dir, "guesses.ts"), url, String(perSecond), home];
    const storm = perSecond > 0 ? start(words) : null;
    let isOver = false;
    const faring = fareOf(url, { password, home, isOver: () => isOver });
    const delays = await watchFlushes({ dataDir, symbols }, seconds * 1000);
    isOver = true;
    const fared = await faring;
    storm?.kill("SIGTERM");
    await storm?.ended;
    const told: Told = storm === null ? { guesses: 0, statuses: {} } : JSON.parse(storm.output());
    const took = (performance.now() - before.at) / 1000;
    const quantile = (q: number) => (delays[Math.floor(q * (delays.length - 1))] ?? Number.NaN).toFixed(0);
    const cells = [
      ...[
        perSecond > 0 ? "yes" : "none",
        (told.guesses / took).toFixed(0),
        told.statuses[401] ?? 0,
        (told.statuses[429] ?? 0) + (told.statuses[503] ?? 0),
      ],
      ...[[0.5, 0.99, 1].map(quantile).join(" / "), (((await records()) - before.records) / took).toFixed(0)],
      ...[
        ((cpuUs(recorder.pid) - before.cpu) / took / 10_000).toFixed(1),
        (residentBytes(recorder.pid) / 1e6).toFixed(0),
      ],
    ];
    console.log(`| ${cells.join(" | ")} |`);
    for (const [way, { tried, let_in, slowest_ms }] of Object.entries(fared))
      console.log(`    ${way}: ${let_in} of ${tried}, slowest ${slowest_ms} ms`);
  }

  async function records(): Promise<number> {
    const headers = { authorization: `Bearer ${password}` };
    return ((await (await fetch(`${url}/api/status`, { headers })).json()) as Status).totals.records;
  }
}
