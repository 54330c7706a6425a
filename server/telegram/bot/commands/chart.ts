import { messageOf } from "../../../platform/errors.ts";
import { duration } from "../../../text/amounts.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { type ChartSpan, chartRequest, chartSpans } from "../chart-request.ts";
import { chooseSymbol } from "../symbol-choice.ts";
import { asOf, type BotCommand, type CommandAnswer, fill, go, rows, type Sources } from "./command.ts";

const spans = Object.keys(chartSpans) as readonly ChartSpan[];

/** `/chart [SYMBOL] [1h | 6h | 24h]` */
export function chartCommand(sources: Sources): BotCommand {
  return {
    name: "chart",
    draws: true,
    async run(ask): Promise<CommandAnswer> {
      const { say, words, language } = ask;
      const isTime = (word: string) => /^\d+(\.\d+)?(m|min|h|d|분|시간|일)?$/i.test(word);
      const time = words.find(isTime);
      const symbols = sources.status().symbols.map(({ symbol }) => symbol);
      const span = time === undefined ? "1h" : spanOf(time);
      const named = words.find((word) => !isTime(word));
      const choice = chooseSymbol(named, symbols, ask, (symbol) => `chart ${symbol} ${span ?? "1h"}`);
      if (!choice.ok) return choice.answer;
      const { symbol, previous, next } = choice;
      const ofSpans = spans.flatMap((one) => go(one === span ? `• ${one}` : one, `chart ${symbol} ${one}`));
      if (span === null) return { html: fill(say.chartUsage, { symbol }), buttons: rows(ofSpans) };
      const beside = symbols.length > 1;
      const turn = [
        ...(beside ? go(`‹ ${previous}`, `chart ${previous} ${span}`) : []),
        ...go("🔄", `chart ${symbol} ${span}`),
        ...(beside ? go(`${next} ›`, `chart ${next} ${span}`) : []),
      ];
      const buttons = rows(ofSpans, turn);
      const job = chartRequest(sources, symbol, span, ask.timeZone);
      if (job === null) return { html: fill(say.noStreamOfPrices, { symbol }), buttons };
      const { gaps } = job.chart;
      const lostUs = gaps.reduce((sum, gap) => sum + gap.toUs - gap.fromUs, 0);
      const lost =
        gaps.length === 0 ? say.chartNoGaps : fill(say.chartGaps, { n: gaps.length, time: duration(lostUs, language) });
      try {
        const picture = await sources.pictures.draw(job);
        const html = `<b>${symbol}</b> ${span}: ${say.chartCaption}\n${lost}\n${asOf(job.chart.toUs, ask)}`;
        return { html, buttons, picture };
      } catch (error) {
        return { html: fill(say.chartFailed, { reason: escapeHtml(cut(messageOf(error), 200)) }), buttons };
      }
    },
  };
}

/** `6h`, `6`, `6시간`; null for a time that there is no chart of. */
function spanOf(word: string): ChartSpan | null {
  const plain = word
    .toLowerCase()
    .replace("시간", "h")
    .replace(/^1(d|일)$/, "24h");
  return spans.find((span) => span === plain || span === `${plain}h`) ?? null;
}
