import { expect, test } from "bun:test";
import { createBookBuilder } from "../../../../server/domain/book/book-builder.ts";
import { levelsText, readBookDiff, readBookImage } from "../../../../server/domain/book/book-text.ts";
import { realDataMissing, realMessages } from "../../../support/simulator/real-data.ts";

const capture = "btc-eth.2024-08-08.jsonl.gz";

test.skipIf(realDataMissing !== "")(
  `REST books and diffs of a real capture give the books that bookTicker and the derived depth20 frames show${realDataMissing}`,
  () => {
    const restBooks = realMessages(`raw-rest-depth.${capture}`) as readonly {
      t: number;
      raw: string;
      symbol: string;
    }[];
    const messages = realMessages(`raw-depth+trade+bookTicker.${capture}`);
    const frames = new Map<string, string>(
      realMessages(`depth20+trade.${capture}`)
        .filter(({ raw }) => raw.includes("@depth20"))
        .map(({ raw }) => {
          const [, symbol = "", data = ""] = /^\{"stream":"(\w+)@depth20[^"]*","data":(.*)\}$/.exec(raw) ?? [];
          return [`${symbol}:${/"lastUpdateId":(\d+)/.exec(data)?.[1]}`, data] as const;
        }),
    );
    const tickers = new Map<string, Record<"b" | "B" | "a" | "A", string>>(
      messages
        .filter(({ raw }) => raw.includes("@bookTicker"))
        .map(({ raw }) => {
          const { data } = JSON.parse(raw) as {
            data: { u: number; s: string } & Record<"b" | "B" | "a" | "A", string>;
          };
          return [`${data.s.toLowerCase()}:${data.u}`, data] as const;
        }),
    );
    const books = new Map(["btcusdt", "ethusdt"].map((symbol) => [symbol, createBookBuilder()]));
    const waiting = [...restBooks];
    let [byTicker, byFrame, differences] = [0, 0, 0];
    for (const { t, raw } of messages) {
      while (waiting[0] !== undefined && waiting[0].t <= t) {
        const { symbol, raw: text } = waiting.shift() as (typeof restBooks)[number];
        const image = readBookImage(text);
        if (image !== null) books.get(symbol.toLowerCase())?.restBook(image);
      }
      const [, symbol = ""] = /^\{"stream":"(\w+)@depth@/.exec(raw) ?? [];
      const book = books.get(symbol);
      const diff = book === undefined ? null : readBookDiff(raw);
      if (book === undefined || diff === null || !["begun", "updated"].includes(book.diff(diff))) continue;
      const decimals = book.decimals();
      const key = `${symbol}:${book.lastId()}`;
      const [bids, asks] = [levelsText(book.bids.top(20), decimals), levelsText(book.asks.top(20), decimals)];
      const ticker = tickers.get(key);
      if (ticker !== undefined) {
        byTicker++;
        if (!bids.startsWith(`[["${ticker.b}","${ticker.B}"]`) || !asks.startsWith(`[["${ticker.a}","${ticker.A}"]`))
          differences++;
      }
      const frame = frames.get(key);
      if (frame !== undefined) {
        byFrame++;
        if (!frame.includes(`"bids":${bids},"asks":${asks}`)) differences++;
      }
    }
    expect({ byTicker, byFrame, differences }).toEqual({ byTicker: 1141, byFrame: 6880, differences: 0 });
  },
);
