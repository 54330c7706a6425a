import { type Config, changedKeys } from "../config/config.ts";
import { ownSymbols, shardName, symbolsOfShard } from "../domain/shard.ts";
import { createStream, type Stream } from "../domain/stream.ts";
import type { Log } from "../platform/log/log.ts";

/** What a reload takes over; everything else waits for the next start. Who owns the log sets its level. */
const liveKeys = ["record.symbols", "record.streams", "log.level"];

/** Every stream that a config asks for, of these symbols. */
export function createStreams({ record }: Config, symbols: readonly string[]): readonly Stream[] {
  return symbols.flatMap((symbol) => record.streams.map((type) => createStream(symbol, type)));
}

/**
 * The streams that `next` asks for, those that stay being the same objects as `before`; null where nothing comes or goes.
 * Logs what changes, and by name what has to wait for a restart.
 */
export function reloadedStreams(
  config: Config,
  next: Config,
  before: readonly Stream[],
  log: Log,
): readonly Stream[] | null {
  const waiting = changedKeys(config, next).filter((key) => !liveKeys.includes(key));
  if (waiting.length > 0)
    log.warn("changed in the config, but only taken over by a restart", { keys: waiting.join(", ") });
  const wanted = createStreams(next, symbolsOfShard(next.record.symbols, config.record.shard)).map(
    (stream) => before.find(({ name }) => name === stream.name) ?? stream,
  );
  const added = wanted.filter((stream) => !before.includes(stream));
  const removed = before.filter((stream) => !wanted.includes(stream));
  log.info("the config was read again", { streams: wanted.length, added: added.length, removed: removed.length });
  return added.length + removed.length === 0 ? null : wanted;
}

/** Tells which symbols are recorded here, where others record the rest. */
export function logShard({ record }: Config, log: Log): void {
  const symbols = ownSymbols(record).join(",");
  if (record.shard.of > 1) log.info("recording a part of the symbols", { shard: shardName(record.shard), symbols });
}
