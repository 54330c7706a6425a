import { OperatorError } from "../platform/errors.ts";

/** One recorder's part of the symbols when several share them: part `index` (from 1) of `of`. */
export type Shard = { readonly index: number; readonly of: number };

/** More shards than this are a mistake. */
const mostShards = 100;

/** What `parseShard` takes, for error messages. */
export const acceptedShards = `a part and the number of parts, such as "2/5" (at most ${mostShards} parts)`;

/** The shard of a text such as `2/5`, or null. */
export function parseShard(text: string): Shard | null {
  const match = /^(\d{1,3})\/(\d{1,3})$/.exec(text.trim());
  const [index, of] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  return index >= 1 && index <= of && of <= mostShards ? { index, of } : null;
}

/** `2/5` */
export function shardName({ index, of }: Shard): string {
  return `${index}/${of}`;
}

/**
 * The symbols that belong to a shard, in their order. Each symbol belongs to exactly one shard of a number of parts, whatever
 * other symbols there are, so that adding one moves no other; one more part takes its share and leaves the rest where it was
 * (rendezvous hashing). Shards are of nearly equal size only where symbols are many.
 */
export function symbolsOfShard(symbols: readonly string[], shard: Shard): string[] {
  return symbols.filter((symbol) => shardOf(symbol, shard.of) === shard.index);
}

/** As `symbolsOfShard`; throws an OperatorError if there are none, since a recorder of nothing is a mistake. */
export function ownSymbols({ symbols, shard }: { symbols: readonly string[]; shard: Shard }): string[] {
  const own = symbolsOfShard(symbols, shard);
  if (own.length > 0) return own;
  const what = `record.shard "${shardName(shard)}" has none of the ${symbols.length} symbols`;
  throw new OperatorError(`${what}; take fewer parts, or leave this recorder out`);
}

function shardOf(symbol: string, of: number): number {
  let best = 1;
  let bestScore = "";
  for (let index = 1; index <= of; index++) {
    const score = Bun.SHA256.hash(`${symbol}/${index}`, "hex");
    if (score > bestScore) [best, bestScore] = [index, score];
  }
  return best;
}
