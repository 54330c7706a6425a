import type { Fault } from "./plan.ts";
import { dataDir, type World } from "./world.ts";

const catalogue = `${dataDir}/rt-data.sqlite`;

/** Makes a fault happen. */
export function strike(world: World, fault: Fault): unknown {
  world.counts.set(`fault ${fault.kind}`, (world.counts.get(`fault ${fault.kind}`) ?? 0) + 1);
  world.struck.push({ fault, atMs: world.scheduler.nowMs() });
  const { exchange, market, disk, tree, sqlite, scheduler } = world;
  const after = (s: number, run: () => void) => void scheduler.after(s * 1000, run);
  const streams = [...market.histories.values()];
  const stream = (n: number) => streams[n % streams.length];
  switch (fault.kind) {
    case "cut":
      return exchange.cut(fault.n);
    case "silence":
      return exchange.silence(fault.n, fault.s * 1000);
    case "refuse":
      exchange.refuse(fault.s * 1000);
      return exchange.cut(null);
    case "shutdown":
      return exchange.shutDown(fault.leadS * 1000);
    case "slow_network":
      return exchange.slow(fault.ms, fault.s * 1000);
    case "rest":
      return exchange.restFault(fault.what, fault.s * 1000);
    case "twice":
      for (const { events } of streams) {
        const last = events.at(-1);
        if (last !== undefined) exchange.emit(last);
      }
      return;
    case "odd_frame":
      return exchange.sendOdd(odd[fault.n % odd.length] ?? (() => ""));
    case "renumber": {
      const history = stream(fault.stream);
      return history && market.renumber(history);
    }
    case "skip_ids": {
      const history = stream(fault.stream);
      return history && market.skip(history, fault.by);
    }
    case "id_glitch": {
      const history = stream(fault.stream);
      if (history === undefined) return;
      const { nextId } = history;
      history.nextId += fault.by;
      exchange.emit(market.happen(history, scheduler.nowMs()));
      history.nextId = nextId + 1;
      return;
    }
    case "kill":
      return setTrap(fault.steps, fault.near, () => world.kill(fault.downS));
    case "power_loss":
      return setTrap(fault.steps, fault.near, () => world.losePower(fault.downS));
    case "stop":
      return world.stop(fault.downS);
    case "reload":
      return world.app()?.reload(world.config(fault.symbols));
    case "clock_step":
      world.stepClock(fault.ms);
      if (fault.backAfterS !== null) after(fault.backAfterS, () => !world.isKind && world.stepClock(-fault.ms));
      return;
    case "suspend":
      return world.suspend(fault.s * 1000);
    case "disk_full":
      disk.capacity = tree.bytes();
      return after(fault.s, () => {
        disk.capacity = Number.POSITIVE_INFINITY;
      });
    case "disk_error":
    case "disk_gone": {
      const isGone = fault.kind === "disk_gone";
      disk.failure = isGone ? { code: "ENOTCONN", all: true } : { code: fault.code, all: fault.all };
      return after(fault.s, () => {
        if (isGone) disk.generation++;
        disk.failure = null;
      });
    }
    case "disk_slow":
      disk.slowMs = fault.ms;
      return after(fault.s, () => {
        disk.slowMs = 0;
      });
    case "sync_fails":
      disk.failingSyncs = fault.n;
      return;
    case "no_inodes":
      disk.isOutOfInodes = true;
      return after(fault.s, () => {
        disk.isOutOfInodes = false;
      });
    case "catalogue_locked":
      sqlite.setLocked(true);
      return after(fault.s, () => sqlite.setLocked(false));
    case "catalogue_fails":
      sqlite.setFailing(true);
      return after(fault.s, () => sqlite.setFailing(false));
    case "catalogue_gone":
      if (tree.find(catalogue) !== null) tree.remove(catalogue);
      return;
    case "catalogue_broken": {
      const inode = tree.find(catalogue);
      if (inode !== null) tree.write(inode, Buffer.from("this is no database any more"), 0);
      return;
    }
    case "segment_gone": {
      const open = tree.files(`${dataDir}/live`).filter(({ path }) => path.endsWith(".jsonl"));
      const found = open[fault.n % Math.max(1, open.length)];
      if (found === undefined) return;
      world.harmed.push({ path: found.path, atMs: scheduler.nowMs() });
      if (fault.how === "deleted") tree.remove(found.path);
      else if (fault.how === "truncated") tree.resize(found.inode, Math.floor(found.inode.size * 0.4));
      else tree.rename(found.path, `${found.path}.1`);
      return;
    }
  }

  function setTrap(steps: number, near: string | null, spring: () => void): void {
    const isUp = () => world.life()?.isDead() === false;
    if (steps === 0) {
      if (isUp()) spring();
      return;
    }
    const traps = world.traps.get(near) ?? [];
    world.traps.set(near, traps);
    traps.push({ steps, spring });
  }
}

/** Takes back every fault that lasts: the world is kind from now on. */
export function beKind(world: World): void {
  const { disk, sqlite, exchange } = world;
  world.traps.clear();
  world.isKind = true;
  if (disk.failure?.code === "ENOTCONN") disk.generation++;
  Object.assign(disk, { capacity: Number.POSITIVE_INFINITY, failure: null, failingSyncs: 0 });
  Object.assign(disk, { isOutOfInodes: false, slowMs: 0 });
  sqlite.setLocked(false);
  sqlite.setFailing(false);
  exchange.restFault("network", 0);
  exchange.slow(0, 0);
  world.stepClock(-world.clock.offsetMs);
}

const odd: readonly ((stream: string) => string)[] = [
  (stream) => `{"stream":"${stream}","data":{"e":"trade","E":1}}`,
  () => "not json",
  (stream) => `{"stream":"${stream}","data":{"lastUpdateId":1,"bids":[],"asks":[]`,
  () => '{"stream":"nobody@trade","data":{}}',
  (stream) => `{"stream":"${stream}","data":[1,2,3]}`,
];
