import { OperatorError } from "../../platform/errors.ts";

/** The part of the symbols that this recorder records: part `index` (from 1) of `of`. */
export type Shard = { readonly index: number; readonly of: number };

/** Highest accepted number of shards. More are certainly a mistake. */
const maxShards = 100;

/** The format that `parseShard` accepts, for error messages. */
export const acceptedShards = `a part and the number of parts, such as "2/5" (at most ${maxShards} parts)`;

/** Parses a shard such as `2/5`; null if invalid. */
export function parseShard(text: string): Shard | null {
  const match = /^(\d{1,3})\/(\d{1,3})$/.exec(text.trim());
  const [index, of] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  return index >= 1 && index <= of && of <= maxShards ? { index, of } : null;
}

/** Formats a shard: `2/5`. */
export function shardName({ index, of }: Shard): string {
  return `${index}/${of}`;
}

/**
 * Returns the symbols of a shard, in their order.
 * Each symbol belongs to exactly one shard, by rendezvous hashing: adding a symbol moves no other symbol, and adding a part only moves
 * the symbols that go to the new part. Shards have nearly equal sizes only if there are many symbols.
 */
export function symbolsOfShard(symbols: readonly string[], shard: Shard): string[] {
  return symbols.filter((symbol) => shardOf(symbol, shard.of) === shard.index);
}

/**
 * Returns the symbols of this recorder's shard, in their order.
 * @throws OperatorError if the shard is empty, because a recorder without symbols is a mistake.
 */
export function ownSymbols({ symbols, shard }: { symbols: readonly string[]; shard: Shard }): string[] {
  const selected = symbolsOfShard(symbols, shard);
  if (selected.length > 0) return selected;
  const problem = `record.shard "${shardName(shard)}" has none of the ${symbols.length} symbols`;
  throw new OperatorError(`${problem}; use fewer parts, or do not start this recorder`);
}

function shardOf(symbol: string, parts: number): number {
  let best = 1;
  let bestScore = "";
  for (let index = 1; index <= parts; index++) {
    const score = Bun.SHA256.hash(`${symbol}/${index}`, "hex");
    if (score > bestScore) [best, bestScore] = [index, score];
  }
  return best;
}
