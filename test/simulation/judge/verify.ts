import { drainMicrotasks } from "bun:jsc";
import { type VerifiedDay, verifyStream } from "../../../server/archive/verify/verify-stream.ts";
import { openGapList } from "../../../server/cli/data/selection.ts";
import { isComplete } from "../../../server/cli/data/verify-report.ts";
import { awaitsBackfill } from "../../../server/domain/gap.ts";
import { findRecordedStreams } from "../../../server/storage/list/listing.ts";
import { dataDir, type World } from "../world.ts";
import type { Findings, Violation } from "./judge.ts";

/** Compares the result of `rt-data verify` for every day with the facts of the judge. No recorder runs meanwhile. */
export function judgeVerify(world: World, { absent, gaps }: Findings): readonly Violation[] {
  const violations: Violation[] = [];
  const say = (detail: string) => violations.push({ promise: "verify", detail });
  const isHarmed = world.harmed.length > 0;
  // Of a new numbering the ids alone cannot be told from rows in the wrong order.
  const isRenumbered = world.struck.some(({ fault }) => fault.kind === "renumber" || fault.kind === "id_glitch");
  for (const day of verifyAll(world)) {
    const key = `${day.stream}/${day.symbol}`;
    const name = `${key} ${day.date}`;
    const missing = (absent.get(key) ?? []).filter(({ atMs }) => dateOf(atMs) === day.date);
    const open = gaps.filter(
      (gap) => `${gap.stream}/${gap.symbol}` === key && touches(gap, day.date) && awaitsBackfill(gap as never),
    );
    const first = missing[0];
    const isComplete_ = isComplete(day);
    if (first !== undefined && isComplete_ && !isAtMidnight(first.atMs))
      say(`${name}: it says complete, but ${missing.length} records are in no file, first id ${first.id}`);
    if (missing.length > 0 || open.length > 0 || isHarmed || isRenumbered || isComplete_) continue;
    // The judge does not know the REST books, so it cannot say that a gap of theirs is wrong.
    if (day.stream === "depthSnapshot" && day.problems.length === 0 && day.silences.length === 0) continue;
    const problem = day.problems[0]?.detail ?? (day.silences.length > 0 ? "a silence" : "a gap");
    if (world.steps.every(({ offsetMs }) => offsetMs === 0))
      say(`${name}: no record is missing, but it says ${problem}`);
  }
  return violations;
}

function verifyAll(world: World): readonly VerifiedDay[] {
  return world.read(() => {
    const gapsOf = openGapList(dataDir, () => {});
    return findRecordedStreams(dataDir)
      .filter(({ days }) => days.length > 0)
      .flatMap((track) => settle(world, verifyStream(track, gapsOf, { dataDir, quick: false, onProgress() {} })));
  });
}

/** Lets the world go on until the promise is settled. */
function settle<T>(world: World, work: Promise<T>): T {
  let outcome: { readonly value: T } | { readonly error: unknown } | null = null;
  work.then(
    (value) => {
      outcome = { value };
    },
    (error) => {
      outcome = { error };
    },
  );
  drainMicrotasks();
  for (let n = 0; n < 100_000 && outcome === null; n++) world.run(world.scheduler.nowMs() + 1);
  const found = outcome as { readonly value: T } | { readonly error: unknown } | null;
  if (found === null) throw new Error("verify never ends");
  if ("error" in found) throw found.error;
  return found.value;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function touches(gap: { from_us: number; to_us: number }, date: string): boolean {
  const startUs = Date.parse(`${date}T00:00:00Z`) * 1000;
  return gap.from_us < startUs + 86_400_000_000 && gap.to_us > startUs;
}

/** By its receipt it may be of the next day. */
function isAtMidnight(ms: number): boolean {
  return ms % 86_400_000 > 86_400_000 - 20_000 || ms % 86_400_000 < 1000;
}
