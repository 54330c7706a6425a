import { totalmem } from "node:os";
import { type App, createApp } from "../../server/app/app.ts";
import { replaceSqlite } from "../../server/catalogue/file/sqlite.ts";
import { type Config, loadConfig } from "../../server/config/config.ts";
import { replaceFiles, systemFiles } from "../../server/platform/files/files.ts";
import type { Log } from "../../server/platform/log/log.ts";
import { type DiskState, workingDisk } from "./disk/faults.ts";
import { createFiles, type Holder } from "./disk/files.ts";
import { createSqliteDisk, type SqliteDisk } from "./disk/sqlite.ts";
import { createTree, type Tree } from "./disk/tree.ts";
import { createVirtualExchange, type VirtualExchange } from "./exchange/exchange.ts";
import { createMarket, type Market } from "./exchange/market.ts";
import type { StoredGap } from "./judge/reader.ts";
import { createDigest } from "./machine/digest.ts";
import { useMachine } from "./machine/globals.ts";
import { createLife, type Life, takeTurn } from "./machine/life.ts";
import { createScheduler, type Scheduler } from "./machine/scheduler.ts";
import { startWorker } from "./machine/worker.ts";
import type { Fault, Plan } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";

/** Data folder of the program of a run. */
export const dataDir = "/data";

/** A kill that waits for its moment. */
export type Trap = { steps: number; readonly spring: () => void };

/** A machine, a disk, an exchange and the program on them. */
export type World = {
  readonly scheduler: Scheduler;
  readonly tree: Tree;
  readonly disk: DiskState;
  readonly sqlite: SqliteDisk;
  readonly market: Market;
  readonly exchange: VirtualExchange;
  readonly random: Random;
  /** Local clock minus true time, ms, and how long the monotonic clock stood still. */
  readonly clock: { offsetMs: number; suspendedMs: number };
  readonly counts: Map<string, number>;
  readonly errors: string[];
  readonly logs: string[];
  /** Every process so far, with when it began to record and when it ended. */
  readonly lives: Life[];
  /** By the word of an operation or path that they wait for; null: any step. */
  readonly traps: Map<string | null, Trap[]>;
  /** Ends all faults. */
  isKind: boolean;
  /** Files that somebody has deleted, cut short or renamed. */
  readonly harmed: { readonly path: string; readonly atMs: number }[];
  /** How far the local clock was off since when, ms, oldest first. */
  readonly steps: { readonly atMs: number; readonly offsetMs: number }[];
  /** Numbers of the processes that were killed, and true times at which the power went, ms. */
  readonly killed: Set<number>;
  readonly powerLosses: number[];
  /** The faults so far. */
  readonly struck: { readonly fault: Fault; readonly atMs: number }[];
  /** Times at which the machine slept, true ms. */
  readonly sleeps: { readonly fromMs: number; readonly toMs: number }[];
  /** Times at which the process stood still, waiting for the disk. */
  readonly stalls: { readonly fromMs: number; toMs: number }[];
  /** What the judge is shown of the gaps; the files' own by default. */
  gapsAtEnd(gaps: readonly StoredGap[]): readonly StoredGap[];
  stepClock(ms: number): void;
  /** The machine sleeps for this long. */
  suspend(ms: number): void;
  config(symbols: readonly string[]): Config;
  /** The config does not ask for the symbol at this time, or has just begun to. */
  isLeftOut(symbol: string, atMs: number): boolean;
  app(): App | null;
  life(): Life | null;
  /** The service is started, and started again 5 s after each failure, until it is told otherwise. */
  boot(): void;
  /** True while the machine sleeps. */
  isAsleep(): boolean;
  /** When the machine wakes, or the service starts, true ms; in the past while it runs. */
  wakesMs(): number;
  kill(downS: number): void;
  stop(downS: number): void;
  run(untilMs: number): void;
  /** Does something to the world, and lets follow what follows at once. */
  turn(work: () => void): void;
  /** Covers every step that touched a file, every line of the log and all files as they are now. Equal runs have equal digests. */
  digest(): string;
  /** Cuts the power: ends the process, drops unsynced data, changes the boot id. */
  losePower(downS: number): void;
  /** Reads as the program would, without faults and without a process. */
  read<T>(work: () => T): T;
  close(): void;
};

const restartMs = 5000;
const deafMs = 60_000;
const stopMs = 25_000;

const bootIdPath = "/proc/sys/kernel/random/boot_id";
const systemTexts: readonly (readonly [path: string, text: string])[] = [
  [bootIdPath, "boot-0\n"],
  ["/proc/stat", "cpu  100 0 100 10000 0 0 0 0 0 0\n"],
  // Half of this machine's memory, so that the same share is in use on every machine.
  ["/proc/meminfo", `MemAvailable:    ${Math.floor(totalmem() / 2048)} kB\n`],
  ["/proc/net/dev", ""],
];

/** The world of a plan; `boot` and `run` start it. */
export function createWorld(plan: Plan): World {
  const random = createRandom(plan.seed);
  const chance = createRandom(plan.seed ^ 0x5bd1e995);
  const scheduler = createScheduler(plan.startMs);
  const clock = { offsetMs: 0, suspendedMs: 0 };
  const tree = createTree(() => scheduler.nowMs() + clock.offsetMs, scheduler.nowMs);
  const disk = workingDisk();
  const market = createMarket(plan.symbols, plan.types, random);
  const exchange = createVirtualExchange(market, scheduler, createRandom(plan.seed ^ 0x27d4eb2f));
  const counts = new Map<string, number>();
  const errors: string[] = [];
  const logs: string[] = [];
  const lives: Life[] = [];
  let life: Life | null = null;
  let app: App | null = null;
  let symbols = plan.symbols;
  const asked = [{ atMs: 0, symbols }];
  let isReader = false;
  let startsMs = 0;
  const digest = createDigest();

  const locks = new Map();
  const system = new Map(systemTexts);
  const sources = {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    bootMs: () => scheduler.nowMs() - plan.startMs + 100_000,
  };
  const reader: Holder = {
    step() {},
    isDead: () => false,
    later: (ms, run) => void scheduler.after(ms, run),
    block() {},
  };
  const isPowerSafe = plan.faults.every(({ kind }) => kind !== "power_loss");
  const sqlite = createSqliteDisk(tree, () => (isReader ? reader : (life ?? reader)), isPowerSafe);
  const readerFiles = createFiles({
    ...{ tree, state: workingDisk(), random, holder: reader, nowMs: scheduler.nowMs, locks, system },
  });

  function count(what: string): void {
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }

  function onStep(operation: string, path: string): void {
    digest.addStep(operation, path, scheduler.nowMs());
    if (world.traps.size === 0) return;
    const text = `${operation} ${path}`;
    let springs = false;
    // Many traps may wait for the same word.
    for (const [near, traps] of world.traps) {
      if (near !== null && !text.includes(near)) continue;
      for (const trap of traps) if (--trap.steps <= 0) springs = true;
    }
    if (!springs) return;
    for (const traps of world.traps.values()) {
      const at = traps.findIndex(({ steps }) => steps <= 0);
      if (at < 0) continue;
      const [trap] = traps.splice(at, 1);
      trap?.spring();
      return;
    }
  }

  function logAt(level: string) {
    return (message: string, fields: object = {}) => {
      if (life?.isDead() === true) return;
      count(`log ${level}: ${message}`);
      digest.addText(message + JSON.stringify(fields));
      if (process.env.SIMULATION_LOG !== undefined || level !== "info")
        logs.push(
          `${new Date(scheduler.nowMs()).toISOString()} #${life?.number} ${level} ${message} ${JSON.stringify(fields)}`,
        );
      if (logs.length > 4000) logs.splice(0, 2000);
    };
  }

  const log: Log = { debug: () => {}, info: logAt("info"), warn: logAt("warn"), error: logAt("error") };

  useMachine({
    wallMs: () => Math.floor(scheduler.nowMs() + clock.offsetMs),
    monotonicMs: () => scheduler.nowMs() - plan.startMs - clock.suspendedMs + 100_000,
    setTimer: (run, ms, repeats) => (isReader ? readerLife : (life ?? deadLife())).setTimer(run, ms, repeats),
    clearTimer: (timer) => (life ?? readerLife).clearTimer(timer),
    random: chance.next,
    fetch: (url, signal) => (life === null ? new Promise(() => {}) : exchange.fetch(url, signal, life)),
    openSocket: (url) => exchange.openSocket(url, life ?? deadLife()),
    block,
    startWorker: (url) => startWorker(url, life ?? deadLife()),
  });
  replaceSqlite(sqlite.open);

  /** Whoever only reads has timers as well. */
  const readerLife = createLife(-1, scheduler, () => {}, block);

  /** The process waits in its only thread. */
  function block(ms: number): void {
    const fromMs = scheduler.nowMs();
    const last = world.stalls.at(-1);
    scheduler.block(ms);
    if (last !== undefined && fromMs - last.toMs < 300) last.toMs = scheduler.nowMs();
    else if (ms > 20) world.stalls.push({ fromMs, toMs: scheduler.nowMs() });
  }

  function deadLife(): Life {
    const dead = createLife(0, scheduler, () => {}, block);
    dead.kill();
    return dead;
  }

  const configs = new Map<string, Config>();

  /** Each start asks for the same config again. */
  function config(names: readonly string[]): Config {
    const known = configs.get(names.join()) ?? load(names);
    configs.set(names.join(), known);
    return known;
  }

  function load(names: readonly string[]): Config {
    const loaded = loadConfig(
      null,
      {
        "record.symbols": [...names],
        "record.streams": [...plan.types],
        "record.data_dir": dataDir,
        "archive.level": 1,
        "http.port": 0,
        "exchange.ws_url": "ws://exchange.test:1",
        "exchange.rest_url": "http://exchange.test:2",
        ...plan.settings,
      },
      {},
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.config;
  }

  function boot(): void {
    if (life !== null) return;
    const own = createLife(lives.length + 1, scheduler, onStep, block);
    life = own;
    lives.push(own);
    count("start");
    sqlite.checkpoint();
    replaceFiles(createFiles({ tree, state: disk, random, holder: own, nowMs: scheduler.nowMs, locks, system }));
    const failed = (error: unknown) => {
      if (own.isDead()) return;
      count("start failed");
      logs.push(`${new Date(scheduler.nowMs()).toISOString()} #${own.number} start failed: ${String(error)}`);
      end(restartMs / 1000);
    };
    try {
      const created = createApp(config(symbols), { ...{ mode: "record" as const, log }, clock: sources, serve });
      app = created;
      created.start().then(() => count("started"), failed);
    } catch (error) {
      failed(error);
    }
  }

  /** The process is gone; the service starts it again after a while. */
  function end(downS: number): void {
    life?.kill();
    startsMs = scheduler.nowMs() + downS * 1000;
    scheduler.at(startsMs, () => {
      if (life === null) boot();
    });
  }

  function stop(downS: number): void {
    const own = life;
    if (own === null || own.isDead()) return;
    if (app === null) {
      end(downS);
      return;
    }
    count("stop");
    let isOver = false;
    const over = (how: string) => {
      if (isOver || own.isDead()) return;
      isOver = true;
      count(how);
      if (how !== "stopped") world.killed.add(own.number);
      end(downS);
    };
    app.stop(stopMs).then(
      () => over("stopped"),
      (error) => {
        errors.push(`stop failed: ${String(error)}`);
        over("stop failed");
      },
    );
    scheduler.after(stopMs + 65_000, () => over("stop took too long"));
  }

  function onError(error: unknown): void {
    errors.push(`uncaught: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  function afterTurn(): void {
    if (life === null || !life.isDead()) return;
    life = null;
    app = null;
    replaceFiles(readerFiles);
  }

  const world: World = {
    ...{ scheduler, tree, disk, sqlite, market, exchange, random, clock, counts, errors, logs, lives },
    traps: new Map(),
    isKind: false,
    harmed: [],
    steps: [{ atMs: 0, offsetMs: 0 }],
    sleeps: [],
    struck: [],
    gapsAtEnd: (gaps) => gaps,
    stalls: [],
    killed: new Set(),
    powerLosses: [],
    stepClock(ms) {
      clock.offsetMs += ms;
      world.steps.push({ atMs: scheduler.nowMs(), offsetMs: clock.offsetMs });
    },
    suspend(ms) {
      if (life === null || scheduler.nowMs() < life.asleepUntilMs()) return;
      life.sleepUntil(scheduler.nowMs() + ms);
      world.sleeps.push({ fromMs: scheduler.nowMs(), toMs: scheduler.nowMs() + ms });
      clock.suspendedMs += ms;
      // The other side gives up a connection that answers no ping.
      if (ms > deafMs) scheduler.after(deafMs, () => exchange.cut(null));
    },
    isLeftOut(symbol, atMs) {
      const at = asked.findLastIndex((one) => one.atMs <= atMs);
      const before = asked[at - 1];
      const isNew = before !== undefined && !before.symbols.includes(symbol) && atMs - (asked[at]?.atMs ?? 0) < 2000;
      return isNew || asked[at]?.symbols.includes(symbol) === false;
    },
    config(names) {
      symbols = names;
      asked.push({ atMs: scheduler.nowMs(), symbols });
      return config(names);
    },
    app: () => app,
    life: () => life,
    boot,
    wakesMs: () => Math.max(startsMs, life?.asleepUntilMs() ?? 0),
    isAsleep: () => life === null || scheduler.nowMs() < life.asleepUntilMs(),
    kill(downS) {
      if (life !== null) world.killed.add(life.number);
      end(downS);
    },
    stop,
    turn(work) {
      takeTurn(work, onError);
      afterTurn();
    },
    run(untilMs) {
      for (let next = scheduler.take(untilMs); next !== null; next = scheduler.take(untilMs)) {
        takeTurn(next, onError);
        afterTurn();
      }
      scheduler.moveTo(untilMs);
    },
    losePower(downS) {
      world.kill(downS);
      world.powerLosses.push(scheduler.nowMs());
      system.set(bootIdPath, `boot-${world.powerLosses.length}\n`);
      scheduler.after(0, () => {
        tree.losePower(random);
        sqlite.losePower(random.chance);
      });
    },
    digest() {
      for (const { path, inode } of tree.files("/")) digest.addFile(path, inode.data.subarray(0, inode.size));
      return digest.value();
    },
    read(work) {
      isReader = true;
      replaceFiles(readerFiles);
      try {
        return work();
      } finally {
        isReader = false;
      }
    },
    close() {
      life?.kill();
      takeTurn(() => {}, onError);
      useMachine(null);
      replaceFiles(systemFiles);
      sqlite.close();
    },
  };
  for (const { path, row } of pastRows(plan)) {
    tree.makeFolders(`${dataDir}/live/${path.slice(0, path.lastIndexOf("/"))}`);
    const inode = tree.create(`${dataDir}/live/${path}`);
    tree.write(inode, Buffer.from(`${row}\n`), 0);
    tree.sync(inode);
  }
  replaceFiles(readerFiles);
  return world;
}

/** What the folder holds of days before the run: `path` below `live` or `archive`. */
export function pastRows({ pastDays = 0, startMs }: Plan): readonly { readonly path: string; readonly row: string }[] {
  return Array.from({ length: pastDays }, (_, index) => {
    const ms = startMs - (index + 1) * 86_400_000;
    const date = new Date(ms).toISOString().slice(0, 10);
    const id = 900_000 - index;
    const row = `{"recv_us":${Math.floor(ms) * 1000},"net_delay_ms":null,"e":"aggTrade","E":${Math.floor(ms)},"s":"OLDUSDT","a":${id},"p":"1.00000000","q":"1.00000000","f":1,"l":1,"T":${Math.floor(ms)},"m":true,"M":true}`;
    return { path: `stream=aggTrade/symbol=OLDUSDT/date=${date}/00-00.jsonl`, row };
  });
}

/** No server: the dashboard is not used. */
const serve = (() => ({
  start: async () => ({ url: "http://simulated" }),
  stop: async () => {},
  load: () => ({ clients: 0, requests: 0 }),
})) as unknown as NonNullable<Parameters<typeof createApp>[1]["serve"]>;
