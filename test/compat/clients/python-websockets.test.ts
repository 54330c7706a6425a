import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { which } from "bun";
import { startExchange, symbols } from "./exchange-under-test.ts";
import type { BookReport } from "./follow-books.ts";
import { startLines, stopAllLines } from "./line-process.ts";

const python = ["/usr/bin/python3", which("python3")].find(hasWebsockets) ?? null;
const missing = python === null ? " (no python3 with the package websockets here)" : "";
const [btc, eth] = symbols.map((symbol) => `${symbol.toLowerCase()}@depth@100ms`);

afterAll(stopAllLines);

test.skipIf(python === null)(
  `Python's websockets keeps unbroken local books, ends a stream, and comes back after a cut${missing}`,
  async () => {
    const market = await startExchange({ pingMs: 100, pongTimeoutMs: 10_000, incomingPerSecond: 100 });
    const script = join(import.meta.dir, "websockets_local_book.py");
    const child = startLines([python ?? "", script, market.urls.wsUrl, market.urls.restUrl, "300", ...symbols]);
    const { books } = (await child.next()) as { books: BookReport[] };
    expect(books.map(({ symbol }) => symbol)).toEqual(symbols);
    for (const book of books) {
      expect(book).toMatchObject({ breaks: 0, differing: 0, unknownIds: 0 });
      expect(book.applied).toBeGreaterThanOrEqual(300);
      expect(book.compared).toBeGreaterThanOrEqual(290);
    }
    expect(await child.next()).toEqual({ before: [btc, eth], after: [eth], left: [eth] });

    expect(await child.next()).toEqual({ flowing: true, lastClose: null });
    market.exchange.disconnectAll("terminate");
    expect(await child.next()).toEqual({ flowing: true, lastClose: [1006, ""] });
    market.exchange.disconnectAll({ code: 1008, reason: "Pong timeout" });
    expect(await child.next()).toEqual({ flowing: true, lastClose: [1008, "Pong timeout"] });
    await child.stop();
    await market.exchange.stop();
  },
);

function hasWebsockets(path: string | null): path is string {
  if (path === null) return false;
  try {
    return Bun.spawnSync([path, "-c", "import websockets, asyncio; asyncio.to_thread"]).success;
  } catch {
    return false;
  }
}
