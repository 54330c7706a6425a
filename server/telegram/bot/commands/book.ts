import type { BookView } from "../../../domain/status.ts";
import { decimalsIn, price, quantitiesOf } from "../../../text/decimal-figure.ts";
import { fill, texts } from "../../../text/language.ts";
import { table } from "../../text/text-table.ts";
import { type Ask, asOf, type BotCommand, go, rows, shortAge } from "../command.ts";
import { chooseSymbol } from "../symbol-choice.ts";

const phrases = texts({
  en: {
    noBook: "There is no book of {symbol} yet. It comes with the first depth message, if partial depth is recorded.",
    spread: "spread {spread}",
    received: "received {age} ago",
    chart: "Chart",
    ask: "ask",
    bid: "bid",
  },
  ko: {
    noBook: "{symbol} 호가를 아직 받지 못했습니다. record.streams에 depth5·10·20 중 하나가 있어야 합니다.",
    spread: "스프레드 {spread}",
    received: "{age} 전 수신",
    chart: "차트",
    ask: "매도",
    bid: "매수",
  },
});

/** Number of levels per side. */
const levels = 8;

type Level = readonly [price: string, quantity: string];

/** `/book [SYMBOL]`: the newest book, asks above bids. */
export const bookCommand: BotCommand = {
  name: "book",
  about: { en: "order book of a symbol", ko: "심볼의 호가창" },
  create:
    ({ status, book, nowUs }) =>
    (ask) => {
      const { words, language } = ask;
      const symbols = status().symbols.map(({ symbol }) => symbol);
      const choice = chooseSymbol(words[0], symbols, ask, (symbol) => `book ${symbol}`);
      if (!choice.ok) return choice.answer;
      const { symbol, previous, next } = choice;
      const beside = symbols.length > 1;
      const buttons = rows(
        [
          ...(beside ? go(`‹ ${previous}`, `book ${previous}`) : []),
          ...go("🔄", `book ${symbol}`),
          ...(beside ? go(`${next} ›`, `book ${next}`) : []),
        ],
        go(`📈 ${phrases[language].chart} 1h`, `chart ${symbol} 1h`),
      );
      const view = book(symbol);
      const shown = view === null || view === "no_data" ? null : ladder(view, ask);
      if (shown === null || view === null || view === "no_data")
        return { html: fill(phrases[language].noBook, { symbol }), buttons };
      const age = fill(phrases[language].received, { age: shortAge(nowUs() - view.recv_us) });
      return { html: [`<b>${symbol}</b>`, shown, age, asOf(nowUs(), ask)].join("\n"), buttons };
    },
};

/** Formats the levels; null if the payload lacks a side. */
function ladder(view: BookView, { language }: Ask): string | null {
  const { bids, asks } = levelsOf(view.book);
  const [bid, ask] = [bids[0], asks[0]];
  if (bid === undefined || ask === undefined) return null;
  const [upper, lower] = [asks.slice(0, levels).reverse(), bids.slice(0, levels)];
  const decimals = Math.max(...[...upper, ...lower].map(([at]) => decimalsIn(at)));
  const spread = (Number(ask[0]) - Number(bid[0])).toFixed(decimals);
  const mid = (Number(ask[0]) + Number(bid[0])) / 2;
  const points = mid === 0 ? 0 : (Number(spread) / mid) * 10_000;
  const quantities = quantitiesOf([...upper, ...lower].map(([, size]) => size));
  const line = (side: string) => (level: Level) => [side, price(level[0], decimals), quantities(level[1])];
  const sides = phrases[language];
  const words = `${fill(phrases[language].spread, { spread: price(spread, decimals) })} (${points.toFixed(points < 1 ? 2 : 1)} bp)`;
  return `${words}\n${table([...upper.map(line(sides.ask)), ...lower.map(line(sides.bid))])}`;
}

function levelsOf(text: string): { bids: readonly Level[]; asks: readonly Level[] } {
  try {
    const { bids, asks } = JSON.parse(text) as { bids?: unknown; asks?: unknown };
    return { bids: levelList(bids), asks: levelList(asks) };
  } catch {
    return { bids: [], asks: [] };
  }
}

function levelList(value: unknown): readonly Level[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (level): level is Level =>
      Array.isArray(level) && level.length >= 2 && level.every((part) => typeof part === "string"),
  );
}
