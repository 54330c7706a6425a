import { messageOf } from "../../../platform/errors.ts";
import { duration } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { chartRequest, chartSpan } from "../chart-request.ts";
import { asOf, type BotCommand, type CommandAnswer, go, rows } from "../command.ts";
import { chooseSymbol } from "../symbol-choice.ts";

const phrases = texts({
  en: {
    noStreamOfPrices: "No stream with prices of {symbol} is recorded.",
    chartCaption: "mid price, spread, records a second",
    chartGaps: "{n} {n|gap|gaps}, {time} in all",
    chartNoGaps: "no gaps",
    chartUsage: "From 10 minutes to 3 days, please: /chart {symbol} 90min, /chart {symbol} 2h",
  },
  ko: {
    noStreamOfPrices: "{symbol}: 가격 스트림을 기록하지 않아 차트를 그릴 수 없습니다.",
    chartCaption: "중간가, 스프레드, 초당 수신 건수",
    chartGaps: "공백 {n}건, 모두 {time}",
    chartNoGaps: "공백 없음",
    chartUsage: "10분에서 3일 사이로 정하세요: /chart {symbol} 90분, /chart {symbol} 2시간",
  },
});

/** Spans that the buttons offer. */
const spans = ["1h", "6h", "24h"];

/** `/chart [SYMBOL] [TIME]` */
export const chartCommand: BotCommand = {
  name: "chart",
  about: { en: "price, spread, rate as a picture", ko: "가격·스프레드·수신량 이미지" },
  draws: () => true,
  create:
    (sources) =>
    async (ask): Promise<CommandAnswer> => {
      const { say, words, language } = ask;
      const isTime = (word: string) => /^\d+(\.\d+)?(m|min|h|d|분|시간|일)?$/i.test(word);
      const time = words.find(isTime);
      const symbols = sources.status().symbols.map(({ symbol }) => symbol);
      const span = chartSpan(time ?? "1h");
      const named = words.find((word) => !isTime(word));
      const choice = chooseSymbol(named, symbols, ask, (symbol) => `chart ${symbol} ${span?.name ?? "1h"}`);
      if (!choice.ok) return choice.answer;
      const { symbol, previous, next } = choice;
      const ofSpans = spans.flatMap((offered) =>
        go(offered === span?.name ? `• ${offered}` : offered, `chart ${symbol} ${offered}`),
      );
      if (span === null) return { html: fill(phrases[language].chartUsage, { symbol }), buttons: rows(ofSpans) };
      const beside = symbols.length > 1;
      const turn = [
        ...(beside ? go(`‹ ${previous}`, `chart ${previous} ${span.name}`) : []),
        ...go("🔄", `chart ${symbol} ${span.name}`),
        ...(beside ? go(`${next} ›`, `chart ${next} ${span.name}`) : []),
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
        const html = `<b>${symbol}</b> ${span.name}: ${phrases[language].chartCaption}\n${lost}\n${asOf(job.chart.toUs, ask)}`;
        return { html, buttons, picture };
      } catch (error) {
        return { html: fill(say.chartFailed, { reason: escapeHtml(cut(messageOf(error), 200)) }), buttons };
      }
    },
};
