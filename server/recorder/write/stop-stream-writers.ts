import { isDoneWithin } from "../../platform/time/deadline.ts";
import type { StreamWriter } from "./stream-writer.ts";

/** No write starts in this time before the deadline, ms. A write that is under way then has most likely ended by the deadline. */
const lastWriteMs = 3000;

/**
 * Flushes and closes `writers`, and waits for `releases`, until `deadlineMs` at the latest. Lines in memory after that are not written any
 * more, except by a write that was already under way `lastWriteMs` before the deadline.
 */
export async function stopStreamWriters(
  writers: readonly StreamWriter[],
  releases: ReadonlyMap<Promise<void>, StreamWriter>,
  { nowUs, deadlineMs }: { nowUs: number; deadlineMs: number },
): Promise<void> {
  const done = Promise.all([stopInRounds(writers, nowUs), ...releases.keys()]);
  if (await isDoneWithin(done, deadlineMs - lastWriteMs)) return;
  for (const writer of [...writers, ...releases.values()]) writer.giveUp();
  await isDoneWithin(done, lastWriteMs);
}

/** Stops in rounds: closed writers free their descriptors for writers that waited for a descriptor. */
async function stopInRounds(writers: readonly StreamWriter[], nowUs: number): Promise<void> {
  let remaining = writers;
  for (let before = Number.POSITIVE_INFINITY; remaining.length > 0 && remaining.length < before; ) {
    before = remaining.length;
    await Promise.all(remaining.map((writer) => writer.stop(nowUs)));
    remaining = remaining.filter((writer) => writer.unwritten() !== null);
  }
}
