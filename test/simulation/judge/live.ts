import { dataDir, type World } from "../world.ts";
import type { Violation } from "./judge.ts";
import { readRecords } from "./reader.ts";

/** After the kind time all is well again: recording, sealed, merged, told, and small. */
export function judgeLiveness(world: World): readonly Violation[] {
  const violations: Violation[] = [];
  const say = (detail: string) => violations.push({ promise: "liveness", detail });
  const nowMs = world.scheduler.nowMs();
  const app = world.app();
  const life = world.life();
  if (app === null || life === null || life.isDead()) {
    say("no recorder runs");
    return violations;
  }
  const sinceMs = Math.max(life.startedMs, life.asleepUntilMs()) + 5000;
  const files = readRecords(world.tree, `${dataDir}/live`);
  const newest = new Map<string, number>();
  for (const { stream, symbol, records } of files) {
    const key = `${stream}/${symbol}`;
    for (const { recvUs, isRefetched } of records)
      if (!isRefetched) newest.set(key, Math.max(newest.get(key) ?? 0, recvUs));
  }
  const status = app.status();
  for (const { stream, events } of world.market.histories.values()) {
    if (!status.symbols.some(({ symbol }) => symbol === stream.symbol)) continue;
    const due = events.findLast(({ atMs }) => atMs < nowMs - 3000 && atMs > sinceMs);
    const seen = newest.get(`${stream.type.folder}/${stream.symbol}`) ?? 0;
    if (due !== undefined && seen < due.atMs * 1000)
      say(`${stream.name}: the newest record is of ${new Date(seen / 1000).toISOString()}`);
  }
  const today = new Date(nowMs).toISOString().slice(0, 10);
  // What a clock that was ahead has filed under days to come waits for those days.
  const past = files.filter(({ date }) => date < today);
  if (past[0] !== undefined) say(`${past.length} segments of past days wait to be merged, such as ${past[0].path}`);
  const raw = files.filter(({ path }) => path.endsWith(".jsonl"));
  const streams = new Set(raw.map(({ stream, symbol }) => `${stream}/${symbol}`)).size;
  if (raw.length > 2 * streams + 2) say(`${raw.length} segments wait to be sealed, such as ${raw[0]?.path}`);
  const left = world.tree.files(dataDir).filter(({ path }) => /\.(tmp|previous)$|\/removing\//.test(path));
  if (left[0] !== undefined) say(`${left.length} files are left over, such as ${left[0].path}`);
  const held = status.symbols.reduce((sum, { buffered_records }) => sum + buffered_records, 0);
  if (held > 500) say(`${held} records are held in memory`);
  if (status.totals.holes > 0) say(`${status.totals.holes} holes of trades are still being refetched`);
  if (!status.ready) say(`not ready: ${status.reasons.join("; ")}`);
  return violations;
}
