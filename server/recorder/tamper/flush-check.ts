import type { Stream } from "../../domain/stream.ts";
import type { StreamWriter } from "../write/stream-writer.ts";

/** How long a disk is waited for, and how often is looked, ms. */
const patienceMs = 10_000;
const lookMs = 10;

/** Flushes a track until nothing of it is in memory, and waits for what is being closed; gives up after a while. */
export async function writtenOut(
  track: StreamWriter | undefined,
  closing: readonly Promise<void>[],
  nowUs: () => number,
): Promise<void> {
  const late = Bun.sleep(patienceMs);
  await Promise.race([Promise.all(closing), late]);
  const end = performance.now() + patienceMs;
  while (track !== undefined && track.unwritten() !== null && performance.now() < end) {
    track.flush(nowUs());
    if (track.unwritten() !== null) await Bun.sleep(lookMs);
  }
}

/** Releases of tracks of this name that are under way. */
export function releasesOf(
  releasing: ReadonlyMap<Promise<void>, StreamWriter>,
  { name }: Stream,
): readonly Promise<void>[] {
  return [...releasing].flatMap(([release, { stream }]) => (stream.name === name ? [release] : []));
}
