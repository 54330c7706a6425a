import { type BookImage, createLocalBook, type Diff } from "./local-book.ts";
import type { MarketClient, OpenClient, Urls } from "./market-client.ts";

/** How well one symbol's local book could be kept. */
export type BookReport = {
  readonly symbol: string;
  readonly applied: number;
  readonly breaks: number;
  /** Partial books compared with the local book of the same update id, and how many of them differed. */
  readonly compared: number;
  readonly differing: number;
  /** Partial books whose update id the local book never had, although diffs go first. */
  readonly unknownIds: number;
};

type Followed = BookReport & { readonly book: ReturnType<typeof createLocalBook> };

/** Keeps local books with `open`'s client until each has taken `frames` diffs and was compared with `partials` partial books. Runs under Bun and under Node. */
export async function followBooks(
  open: OpenClient,
  urls: Urls,
  options: { symbols: readonly string[]; frames: number; partials?: number },
): Promise<BookReport[]> {
  const { symbols, frames, partials = 0 } = options;
  const followed = new Map(symbols.map((symbol) => [symbol.toLowerCase(), follow(symbol)]));
  let resolve: () => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  const client = await open(urls, (stream, payload) => {
    const [symbol = "", kind] = stream.split("@");
    const one = followed.get(symbol);
    if (one === undefined) return reject(new Error(`a frame of ${stream} was not asked for`));
    if (kind === "depth20") compare(one, payload as unknown as BookImage);
    else if (!take(one, payload as unknown as Diff)) load(client, one).catch(reject);
    const all = [...followed.values()];
    if (all.every(({ book, compared }) => book.counts().applied >= frames && compared >= partials)) resolve();
  });
  const lower = symbols.map((symbol) => symbol.toLowerCase());
  await client.subscribe(lower.flatMap((symbol) => [`${symbol}@depth@100ms`, `${symbol}@depth20@100ms`]));
  await done;
  await client.close();
  return [...followed.values()].map(({ book, begun: _, ...report }) => ({ ...report, ...book.counts() }));
}

type Mutable = { -readonly [K in keyof Followed]: Followed[K] } & { begun: boolean };

function follow(symbol: string): Mutable {
  const counts = { applied: 0, breaks: 0, compared: 0, differing: 0, unknownIds: 0 };
  return { symbol, ...counts, book: createLocalBook(), begun: false };
}

/** False for the first diff: now is the time to ask for the snapshot. */
function take(one: Mutable, diff: Diff): boolean {
  one.book.receive(diff);
  const { begun } = one;
  one.begun = true;
  return begun;
}

async function load(client: MarketClient, one: Mutable): Promise<void> {
  while (!one.book.load(await client.depth(one.symbol, 5000)));
}

function compare(one: Mutable, partial: BookImage): void {
  const id = one.book.lastUpdateId();
  // Frames before the snapshot cannot be compared; just after it, older frames may still arrive.
  if (id === null || (one.book.counts().applied === 0 && partial.lastUpdateId < id)) return;
  if (id !== partial.lastUpdateId) {
    one.unknownIds += 1;
    return;
  }
  one.compared += 1;
  const { bids, asks } = one.book.top(20);
  if (JSON.stringify([bids, asks]) !== JSON.stringify([partial.bids, partial.asks])) one.differing += 1;
}
