import { milliseconds } from "../../../text/amounts.ts";
import { escapeHtml } from "../../api/html.ts";
import { table } from "../../text/text-table.ts";
import { asOf, type BotCommand, fill, go, rows, type Sources } from "./command.ts";

/** Symbols shown, the slowest first. */
const most = 20;

/** `/delay` */
export function delayCommand({ status }: Sources): BotCommand {
  return {
    name: "delay",
    run(ask) {
      const { say, language } = ask;
      const now = status();
      const known = now.symbols.filter(({ delay_p50_ms }) => delay_p50_ms !== null);
      const slowest = [...known].sort((a, b) => (b.delay_p99_ms ?? 0) - (a.delay_p99_ms ?? 0));
      const ms = (value: number | null) => (value === null ? "–" : milliseconds(value, language));
      const cells = slowest
        .slice(0, most)
        .map((one) => [one.symbol.slice(0, 14), ms(one.delay_p50_ms), ms(one.delay_p99_ms)]);
      const offset =
        now.clock_offset_ms === null
          ? say.clockUnknown
          : fill(say.clockOffset, { offset: `${now.clock_offset_ms} ± ${now.clock_offset_bound_ms ?? 0} ms` });
      const html = [
        `<b>${say.delayTitle}</b>`,
        cells.length === 0 ? say.delayUnknown : table([say.delayHeads.split(" "), ...cells]),
        ...(slowest.length > most ? [fill(say.andMore, { n: slowest.length - most })] : []),
        offset,
        ...(now.clock_steps > 0 ? [fill(say.clockSteps, { n: now.clock_steps })] : []),
        ...now.connections.slice(0, 8).map(({ host, state }) => `${escapeHtml(host)}: ${state}`),
        asOf(now.now_us, ask),
      ];
      return { html: html.join("\n"), buttons: rows(go(`🔄 ${say.refresh}`, "delay")) };
    },
  };
}
