import type { Stream } from "../../domain/stream.ts";
import { isDoneWithin } from "../../platform/time/deadline.ts";
import type { StreamWriter } from "../write/stream-writer.ts";

/** Longest wait for the disk, and time between polls, ms. */
const patienceMs = 10_000;
const pollMs = 10;

/** Flushes a writer until its memory is empty, and waits for closing segments; gives up after `patienceMs`. */
export async function flushedOut(
  writer: StreamWriter | undefined,
  closing: readonly Promise<void>[],
  nowUs: () => number,
): Promise<void> {
  await isDoneWithin(Promise.all(closing), patienceMs);
  const end = performance.now() + patienceMs;
  while (writer !== undefined && writer.unwritten() !== null && performance.now() < end) {
    writer.flush(nowUs());
    if (writer.unwritten() !== null) await Bun.sleep(pollMs);
  }
}

/** Returns the releases of this stream that are under way. */
export function releasesOf(
  releasing: ReadonlyMap<Promise<void>, StreamWriter>,
  { name }: Stream,
): readonly Promise<void>[] {
  return [...releasing].flatMap(([release, { stream }]) => (stream.name === name ? [release] : []));
}
