import { afterAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { recorderAt, recorderOf, takeDataFolder } from "../../../server/storage/lock/data-folder.ts";
import { builtExecutable } from "../../support/executable.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { asContainer, containersMissing, firstProcessOf } from "../../support/machine/containers.ts";
import { straceMissing, withFaults } from "../../support/machine/strace.ts";
import { rtData, start } from "../../support/program.ts";
import { endRecorders, isRunning, startUpgradable } from "../../support/upgrades.ts";
import { until } from "../../support/wait.ts";

const built = await builtExecutable();
const stops: (() => unknown)[] = [];
afterAll(async () => {
  endRecorders();
  for (const stop of stops.splice(0)) await stop();
});

async function environment(dataDir: string): Promise<Record<string, string>> {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3 });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  stops.push(() => exchange.stop());
  const { wsUrl, restUrl } = await exchange.start();
  return {
    PATH: process.env.PATH ?? "",
    RT_DATA_EXCHANGE_WS_URL: wsUrl,
    RT_DATA_EXCHANGE_REST_URL: restUrl,
    RT_DATA_RECORD_SYMBOLS: "BTCUSDT",
    RT_DATA_RECORD_DATA_DIR: dataDir,
    RT_DATA_HTTP_PORT: "0",
  };
}

const filesBelow = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
    : 0;

test.skipIf(containersMissing !== "")(
  `of two containers with the same host name, each process 1, one records and the other is refused; a container that was killed keeps no other out, whatever its name was${containersMissing}`,
  async () => {
    const dataDir = join(temporaryFolder(), "data");
    const env = await environment(dataDir);
    const container = (host: string) => start(asContainer(host, [built, "record"]), { env });
    const first = container("box");
    await first.url();
    await until(() => filesBelow(join(dataDir, "live")) > 0, "the first container to record");
    const lock = statSync(join(dataDir, "rt-data.lock")).ino;

    const second = container("box");
    expect(await second.ended).toBe(2);
    expect(second.errors()).toContain(`another recorder (process 1 on box) is recording into ${dataDir}`);
    expect(statSync(join(dataDir, "rt-data.lock")).ino).toBe(lock);
    expect(first.errors()).not.toContain("lock of the data folder");

    process.kill(firstProcessOf(first.pid), "SIGKILL");
    await first.ended;
    const third = container("another-name");
    await third.url();
    process.kill(firstProcessOf(third.pid), "SIGTERM");
    await third.ended;
    expect(readFileSync(join(dataDir, "rt-data.sqlite")).length).toBeGreaterThan(0);
  },
  30_000,
);

/** Takes and releases a folder on request, and reports the result. */
const racer = `
  const { takeDataFolder } = await import(${JSON.stringify(join(import.meta.dir, "../../../server/storage/lock/data-folder.ts"))});
  let folder = null;
  process.on("message", (order) => {
    if (order === "release") { folder?.release(); folder = null; process.send("released"); return; }
    try { folder = takeDataFolder(order.path, "record"); process.send("taken"); }
    catch (error) { process.send(/another recorder/.test(error.message) ? "refused" : error.message); }
  });
  process.send("here");
`;

test("of eight processes that take a folder at the same moment exactly one gets it, a hundred times over", async () => {
  const path = join(temporaryFolder(), "data");
  const heard: string[] = [];
  const racers = Array.from({ length: 8 }, () =>
    Bun.spawn([process.execPath, "-e", racer], {
      serialization: "json",
      ipc: (message: string) => void heard.push(message),
    }),
  );
  stops.push(() => {
    for (const one of racers) one.kill();
  });
  await until(() => heard.length === 8, "all to be there", 30_000);
  const outcomes = new Map<string, number>();
  for (let round = 0; round < 100; round++) {
    for (const order of [{ path }, "release"]) {
      heard.length = 0;
      for (const one of racers) one.send(order);
      await until(() => heard.length === 8, "all to answer", 30_000);
      if (order !== "release") {
        const key = heard.toSorted().join();
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
      }
    }
  }
  expect([...outcomes]).toEqual([[[...Array(7).fill("refused"), "taken"].join(), 100]]);
}, 60_000);

test("deleting the lock file lets no second recorder in, and the lock file is there again within a second", async () => {
  const path = temporaryFolder();
  const folder = takeDataFolder(path, "record");
  rmSync(join(path, "rt-data.lock"));
  expect(() => takeDataFolder(path, "record")).toThrow("another recorder");
  rmSync(join(path, "rt-data.lock"), { force: true });
  folder.poll();
  expect(recorderAt(path)?.pid).toBe(process.pid);
  expect(() => takeDataFolder(path, "record")).toThrow(`another recorder (process ${process.pid}`);
  folder.release();
  expect(readdirSync(path)).toEqual([]);
  takeDataFolder(path, "record").release();
});

test("after the folder was deleted and another recorder has taken it, neither a check nor a release removes the other recorder's lock", () => {
  const path = join(temporaryFolder(), "data");
  const log: string[] = [];
  const tell = (message: string) => void log.push(message);
  const first = takeDataFolder(path, "record", { ...silentLog, error: tell, info: tell });
  rmSync(path, { recursive: true });
  const second = takeDataFolder(path, "record");
  first.poll();
  first.poll();
  expect(log).toEqual(["cannot lock the data folder again; retrying every second"]);
  first.release();
  expect(() => takeDataFolder(path, "record")).toThrow("another recorder");
  second.release();
  expect(readdirSync(path)).toEqual([]);
});

test("a child that outlives a killed recorder does not keep its lock", async () => {
  const path = temporaryFolder();
  const script = `
    const { takeDataFolder } = await import(${JSON.stringify(join(import.meta.dir, "../../../server/storage/lock/data-folder.ts"))});
    takeDataFolder(${JSON.stringify(path)}, "record");
    console.log(Bun.spawn(["sleep", "60"]).pid);
    await new Promise(() => setInterval(() => {}, 1000));
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const sleeper = Number(new TextDecoder().decode(value));
  expect(() => takeDataFolder(path, "record")).toThrow(`another recorder (process ${child.pid}`);
  child.kill("SIGKILL");
  await child.exited;
  takeDataFolder(path, "record").release();
  process.kill(sleeper, "SIGKILL");
});

test("a process that was started with the lock takes over without a moment in which the folder is free", async () => {
  const path = temporaryFolder();
  const folder = takeDataFolder(path, "record");
  const child = Bun.spawn([process.execPath, "-e", racer], {
    serialization: "json",
    stdio: ["ignore", "inherit", "inherit", ...folder.passOn()],
    ipc: (message: string) => void heard.push(message),
  });
  const heard: string[] = [];
  await until(() => heard.length === 1, "the other process to be there");
  // This process keeps the folder while it records, although the child shares the lock.
  child.send({ path });
  await until(() => heard.length === 2, "an answer");
  folder.release();
  expect(() => takeDataFolder(path, "record")).toThrow("another recorder");
  child.send({ path });
  await until(() => heard.length === 3, "an answer");
  expect(heard).toEqual(["here", "refused", "taken"]);
  expect(recorderOf(path)?.pid).toBe(child.pid);
  expect(() => takeDataFolder(path, "record")).toThrow(`another recorder (process ${child.pid}`);
  child.kill("SIGKILL");
  await child.exited;
  takeDataFolder(path, "record").release();
});

test("no third process gets the folder during an upgrade, however often it tries", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const market = await startUpgradable({ dataDir, program: rtData, symbols: 2, speed: 1 });
  const script = `
    const { takeDataFolder } = await import(${JSON.stringify(join(import.meta.dir, "../../../server/storage/lock/data-folder.ts"))});
    let [taken, tries] = [0, 0];
    setInterval(() => {
      tries++;
      try { takeDataFolder(process.argv[1], "record").release(); taken++; } catch {}
      process.send({ taken, tries });
    }, 1);
  `;
  let seen = { taken: 0, tries: 0 };
  const third = Bun.spawn([process.execPath, "-e", script, dataDir], {
    serialization: "json",
    ipc: (message: typeof seen) => {
      seen = message;
    },
  });
  stops.push(() => third.kill());
  await until(() => seen.tries > 3, "the third to try", 30_000);
  const old = market.pid();
  const { result } = await market.upgrade(old);
  expect(result).toMatchObject({ kind: "handed_over" });
  const { tries } = seen;
  await until(() => !isRunning(old) && seen.tries > tries + 10, "the third to have tried after it as well", 30_000);
  third.kill();
  expect(seen.taken).toBe(0);
  expect(market.pid()).not.toBe(old);
  await market.finish(market.pid());
}, 60_000);

for (const error of ["ENOLCK", "EOPNOTSUPP"]) {
  test.skipIf(straceMissing !== "")(
    `a file system without locks (${error}) is reported, a second recorder is refused all the same, and a killed one keeps no other out${straceMissing}`,
    async () => {
      const dataDir = join(temporaryFolder(), "data");
      const env = await environment(dataDir);
      const words = withFaults([`flock:error=${error}`], [], [...rtData, "record"]);
      const first = start(words, { env });
      await first.url();
      expect(first.errors() + first.output()).toContain("this file system cannot lock the data folder");
      const second = start(words, { env });
      expect(await second.ended).toBe(2);
      expect(second.errors()).toContain("is recording into");
      process.kill(recorderOf(dataDir)?.pid ?? 0, "SIGKILL");
      await first.ended;
      const third = start(words, { env });
      await third.url();
      process.kill(recorderOf(dataDir)?.pid ?? 0, "SIGTERM");
      await third.ended;
    },
    40_000,
  );
}
