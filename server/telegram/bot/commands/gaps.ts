import type { KnownGap } from "../../../domain/queries.ts";
import { count, duration } from "../../../text/amounts.ts";
import { gapCauseWords } from "../../../text/gap-causes.ts";
import { fill, texts } from "../../../text/language.ts";
import { type Ask, asOf, type BotCommand, pageButtons, rows, shortTime } from "../command.ts";
import { chooseSymbol } from "../symbol-choice.ts";

const phrases = texts({
  en: {
    gapsTitle: "Gaps, newest first",
    gapsOf: "Gaps of {symbol}, newest first",
    noGaps: "No gaps.",
    openGaps: "Not recorded at this moment: {names}",
    missing: "{n} missing",
    refetched: "all {n} refetched",
    partlyRefetched: "{repaired} of {missing} refetched",
  },
  ko: {
    gapsTitle: "공백, 최근 순",
    gapsOf: "{symbol}의 공백, 최근 순",
    noGaps: "공백이 없습니다.",
    openGaps: "지금 기록되지 않는 스트림: {names}",
    missing: "{n}건 누락",
    refetched: "{n}건 모두 복구",
    partlyRefetched: "{missing}건 중 {repaired}건 복구",
  },
});

/** Gaps per page. */
const perPage = 10;

/** Upper bound for pages. The dashboard is better for older gaps. */
const mostPages = 20;

/** `/gaps [SYMBOL] [PAGE]` */
export const gapsCommand: BotCommand = {
  name: "gaps",
  about: { en: "newest gaps and their causes", ko: "최근 공백과 원인" },
  create:
    ({ status, history }) =>
    (ask) => {
      const { say, words, language } = ask;
      const page = Math.min(mostPages, Math.max(1, Number(words.find(isPage) ?? 1)));
      const named = words.find((word) => !isPage(word));
      const now = status();
      const symbols = now.symbols.map(({ symbol }) => symbol);
      const choice = chooseSymbol(named, symbols, ask, (symbol) => `gaps ${symbol}`);
      if (named !== undefined && !choice.ok) return choice.answer;
      const symbol = named !== undefined && choice.ok ? choice.symbol : null;
      const filter = { stream: null, symbol, cause: null, fromUs: null, toUs: null };
      const { items } = history.gaps(filter, perPage * page + 1, null);
      const shown = items.slice(perPage * (page - 1), perPage * page);
      const open = now.symbols.flatMap((row) =>
        row.streams.filter(({ gap }) => gap !== null).map(({ stream }) => `${row.symbol} ${stream}`),
      );
      const more = open.length > 5 ? ` ${fill(say.andMore, { n: open.length - 5 })}` : "";
      const html = [
        `<b>${symbol === null ? phrases[language].gapsTitle : fill(phrases[language].gapsOf, { symbol })}</b>`,
        ...(open.length > 0
          ? [`🔴 ${fill(phrases[language].openGaps, { names: open.slice(0, 5).join(", ") + more })}`]
          : []),
        ...(shown.length === 0 ? [phrases[language].noGaps] : shown.map((gap) => `• ${lineOf(gap, ask)}`)),
        asOf(now.now_us, ask),
      ];
      const line = (n: number) => `gaps${symbol === null ? "" : ` ${symbol}`} ${n}`;
      const hasMore = items.length > perPage * page && page < mostPages;
      return { html: html.join("\n"), buttons: rows(pageButtons(ask, { page, hasMore }, line)) };
    },
};

function isPage(word: string): boolean {
  return /^\d{1,2}$/.test(word);
}

function lineOf(gap: KnownGap, ask: Ask): string {
  const { language } = ask;
  const { missing, repaired } = gap;
  const parts = [
    `${shortTime(gap.from_us, ask)} <b>${gap.symbol}</b> ${gap.stream}`,
    duration(gap.to_us - gap.from_us, language),
    gapCauseWords[gap.cause][language],
  ];
  if (missing !== null && missing > 0) {
    if (repaired >= missing) parts.push(fill(phrases[language].refetched, { n: count(missing, language) }));
    else if (repaired > 0)
      parts.push(
        fill(phrases[language].partlyRefetched, {
          repaired: count(repaired, language),
          missing: count(missing, language),
        }),
      );
    else parts.push(fill(phrases[language].missing, { n: count(missing, language) }));
  }
  return parts.join(", ");
}
