import type { Stream } from "../../domain/stream.ts";
import { isDoneWithin } from "../../platform/time/deadline.ts";
import type { StreamWriter } from "../write/stream-writer.ts";

/** Longest wait for the disk, and time between polls, ms. */
const patienceMs = 10_000;
const pollMs = 10;

/** Writers by stream, and the releases that are under way with the writer that each stops. */
type Writers = {
  readonly writers: ReadonlyMap<Stream, StreamWriter>;
  readonly releasing: ReadonlyMap<Promise<void>, StreamWriter>;
};

/**
 * Flushes the writer of a stream until its memory is empty, and waits for its releases; gives up after `patienceMs`. A writer that is
 * released meanwhile is not flushed any more: its release reports lines that it could not write as lost, so they must not be written later.
 */
export async function flushedOut(stream: Stream, { writers, releasing }: Writers, nowUs: () => number): Promise<void> {
  const writer = writers.get(stream);
  const endMs = performance.now() + patienceMs;
  const released = () =>
    isDoneWithin(Promise.all(releasesOf(releasing, stream)), Math.max(0, endMs - performance.now()));
  const isPresent = () => writer !== undefined && writers.get(stream) === writer;
  await released();
  while (isPresent() && writer?.unwritten() !== null && performance.now() < endMs) {
    writer?.flush(nowUs());
    if (writer?.unwritten() !== null) await Bun.sleep(pollMs);
  }
  if (!isPresent()) await released();
}

/** Returns the releases of this stream that are under way. */
function releasesOf(releasing: Writers["releasing"], { name }: Stream): readonly Promise<void>[] {
  return [...releasing].flatMap(([release, { stream }]) => (stream.name === name ? [release] : []));
}
