import { type Config, changedKeys } from "../config/config.ts";
import { createStream, type Stream } from "../domain/stream.ts";
import { ownSymbols, shardName, symbolsOfShard } from "../domain/symbols/shard.ts";
import type { Log } from "../platform/log/log.ts";

/** Config keys that a reload applies; other keys wait for the next start. The log's owner applies `log.level`. */
const liveKeys = ["record.symbols", "record.streams", "log.level"];

/** Returns all streams that the config lists for these symbols. */
export function createStreams({ record }: Config, symbols: readonly string[]): readonly Stream[] {
  return symbols.flatMap((symbol) => record.streams.map((type) => createStream(symbol, type)));
}

/**
 * Returns the streams that `next` lists, or null if they are the same as `before`. Streams that stay are the same objects as in `before`.
 * Logs the change, and the names of changed keys that wait for a restart.
 */
export function reloadedStreams(
  config: Config,
  next: Config,
  before: readonly Stream[],
  log: Log,
): readonly Stream[] | null {
  const waiting = changedKeys(config, next).filter((key) => !liveKeys.includes(key));
  if (waiting.length > 0)
    log.warn("these config keys have changed but only apply after a restart", { keys: waiting.join(", ") });
  const wanted = createStreams(next, symbolsOfShard(next.record.symbols, config.record.shard)).map(
    (stream) => before.find(({ name }) => name === stream.name) ?? stream,
  );
  const added = wanted.filter((stream) => !before.includes(stream));
  const removed = before.filter((stream) => !wanted.includes(stream));
  log.info("config reloaded", { streams: wanted.length, added: added.length, removed: removed.length });
  return added.length + removed.length === 0 ? null : wanted;
}

/** Logs which symbols this recorder records if other recorders record the rest. */
export function logShard({ record }: Config, log: Log): void {
  const symbols = ownSymbols(record).join(",");
  if (record.shard.of > 1) log.info("recording a part of the symbols", { shard: shardName(record.shard), symbols });
}
