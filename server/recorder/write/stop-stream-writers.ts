import type { StreamWriter } from "./stream-writer.ts";

/** No write begins so shortly before the deadline, ms: one that is under way by then is most likely over at the deadline. */
const lastWriteMs = 3000;

/**
 * Flushes and closes `tracks`, and waits for the `releases` that are under way, until `deadlineMs` at the latest. Whatever is in memory
 * afterwards is not written any more, unless the disk then takes a write that has stood still since `lastWriteMs` before the deadline.
 */
export async function stopStreamWriters(
  tracks: readonly StreamWriter[],
  releases: ReadonlyMap<Promise<void>, StreamWriter>,
  { nowUs, deadlineMs }: { nowUs: number; deadlineMs: number },
): Promise<void> {
  const done = Promise.all([stopInRounds(tracks, nowUs), ...releases.keys()]);
  if (await isWithin(done, deadlineMs - lastWriteMs)) return;
  for (const track of [...tracks, ...releases.values()]) track.giveUp();
  await isWithin(done, lastWriteMs);
}

/** Tracks that were closed leave their descriptors to those that waited for one. */
async function stopInRounds(tracks: readonly StreamWriter[], nowUs: number): Promise<void> {
  let left = tracks;
  for (let before = Number.POSITIVE_INFINITY; left.length > 0 && left.length < before; ) {
    before = left.length;
    await Promise.all(left.map((track) => track.stop(nowUs)));
    left = left.filter((track) => track.unwritten() !== null);
  }
}

async function isWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, ms));
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
