import { messageOf } from "../../../platform/errors.ts";
import { duration } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { type ChartSpan, chartRequest, chartSpans } from "../chart-request.ts";
import { asOf, type BotCommand, type CommandAnswer, go, rows } from "../command.ts";
import { chooseSymbol } from "../symbol-choice.ts";

const phrases = texts({
  en: {
    noStreamOfPrices: "No stream with prices of {symbol} is recorded.",
    chartCaption: "mid price, spread, records a second",
    chartGaps: "{n} {n|gap|gaps}, {time} in all",
    chartNoGaps: "no gaps",
    chartUsage: "Which time? /chart {symbol} 1h, 6h or 24h",
  },
  ko: {
    noStreamOfPrices: "{symbol}은(는) 가격이 있는 스트림을 기록하지 않습니다.",
    chartCaption: "중간값, 스프레드, 초당 레코드",
    chartGaps: "공백 {n}건, 모두 {time}",
    chartNoGaps: "공백 없음",
    chartUsage: "어느 기간인가요? /chart {symbol} 1h, 6h 또는 24h",
  },
});

const spans = Object.keys(chartSpans) as readonly ChartSpan[];

/** `/chart [SYMBOL] [1h | 6h | 24h]` */
export const chartCommand: BotCommand = {
  name: "chart",
  about: { en: "price, spread, rate as a picture", ko: "가격·스프레드·빈도 그림" },
  draws: () => true,
  create:
    (sources) =>
    async (ask): Promise<CommandAnswer> => {
      const { say, words, language } = ask;
      const isTime = (word: string) => /^\d+(\.\d+)?(m|min|h|d|분|시간|일)?$/i.test(word);
      const time = words.find(isTime);
      const symbols = sources.status().symbols.map(({ symbol }) => symbol);
      const span = time === undefined ? "1h" : spanOf(time);
      const named = words.find((word) => !isTime(word));
      const choice = chooseSymbol(named, symbols, ask, (symbol) => `chart ${symbol} ${span ?? "1h"}`);
      if (!choice.ok) return choice.answer;
      const { symbol, previous, next } = choice;
      const ofSpans = spans.flatMap((offered) =>
        go(offered === span ? `• ${offered}` : offered, `chart ${symbol} ${offered}`),
      );
      if (span === null) return { html: fill(phrases[language].chartUsage, { symbol }), buttons: rows(ofSpans) };
      const beside = symbols.length > 1;
      const turn = [
        ...(beside ? go(`‹ ${previous}`, `chart ${previous} ${span}`) : []),
        ...go("🔄", `chart ${symbol} ${span}`),
        ...(beside ? go(`${next} ›`, `chart ${next} ${span}`) : []),
      ];
      const buttons = rows(ofSpans, turn);
      const job = chartRequest(sources, symbol, span, ask.timeZone);
      if (job === null) return { html: fill(phrases[language].noStreamOfPrices, { symbol }), buttons };
      const { gaps } = job.chart;
      const lostUs = gaps.reduce((sum, gap) => sum + gap.toUs - gap.fromUs, 0);
      const lost =
        gaps.length === 0
          ? phrases[language].chartNoGaps
          : fill(phrases[language].chartGaps, { n: gaps.length, time: duration(lostUs, language) });
      try {
        const picture = await sources.pictures.draw(job);
        const html = `<b>${symbol}</b> ${span}: ${phrases[language].chartCaption}\n${lost}\n${asOf(job.chart.toUs, ask)}`;
        return { html, buttons, picture };
      } catch (error) {
        return { html: fill(say.chartFailed, { reason: escapeHtml(cut(messageOf(error), 200)) }), buttons };
      }
    },
};

/** Parses `6h`, `6` or `6시간`; null if there is no chart of that length. */
function spanOf(word: string): ChartSpan | null {
  const plain = word
    .toLowerCase()
    .replace("시간", "h")
    .replace(/^1(d|일)$/, "24h");
  return spans.find((span) => span === plain || span === `${plain}h`) ?? null;
}
