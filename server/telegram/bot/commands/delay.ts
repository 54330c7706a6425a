import { decimal } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { escapeHtml } from "../../api/html.ts";
import { table } from "../../text/text-table.ts";
import { asOf, type BotCommand, go, rows } from "../command.ts";

const phrases = texts({
  en: {
    delayTitle: "Delay from the exchange",
    delayHeads: "symbol p50 p99",
    delayUnknown: "The delay is not known yet.",
    clockOffset: "This machine's clock minus the exchange's: {offset}",
    clockUnknown: "The offset of the clock is not known yet.",
    clockSteps: "It was set {n} {n|time|times} since the start.",
  },
  ko: {
    delayTitle: "거래소로부터의 지연",
    delayHeads: "심볼 p50 p99",
    delayUnknown: "아직 지연을 모릅니다.",
    clockOffset: "서버 시계 − 거래소 시계: {offset}",
    clockUnknown: "시계 오차를 아직 알 수 없습니다.",
    clockSteps: "시작 후 시계가 {n}번 바뀌었습니다.",
  },
});

/** Upper bound for listed symbols, the slowest first. */
const most = 20;

/** `/delay` */
export const delayCommand: BotCommand = {
  name: "delay",
  about: { en: "delay and clock offset", ko: "지연과 시계 오차" },
  create:
    ({ status }) =>
    (ask) => {
      const { say, language } = ask;
      const now = status();
      const known = now.symbols.filter(({ delay_p50_ms }) => delay_p50_ms !== null);
      const slowest = [...known].sort((a, b) => (b.delay_p99_ms ?? 0) - (a.delay_p99_ms ?? 0));
      // Equal digits in all rows: tenths only if every delay is short.
      const decimals = known.some(({ delay_p99_ms }) => (delay_p99_ms ?? 0) >= 99.95) ? 0 : 1;
      const ms = (value: number | null) => (value === null ? "–" : `${decimal(value, decimals, language)}\u00a0ms`);
      const cells = slowest
        .slice(0, most)
        .map((row) => [row.symbol.slice(0, 14), ms(row.delay_p50_ms), ms(row.delay_p99_ms)]);
      const offset =
        now.clock_offset_ms === null
          ? phrases[language].clockUnknown
          : fill(phrases[language].clockOffset, {
              offset: `${now.clock_offset_ms} ± ${now.clock_offset_bound_ms ?? 0}\u00a0ms`,
            });
      const html = [
        `<b>${phrases[language].delayTitle}</b>`,
        cells.length === 0
          ? phrases[language].delayUnknown
          : table([phrases[language].delayHeads.split(" "), ...cells]),
        ...(slowest.length > most ? [fill(say.andMore, { n: slowest.length - most })] : []),
        offset,
        ...(now.clock_steps > 0 ? [fill(phrases[language].clockSteps, { n: now.clock_steps })] : []),
        ...now.connections.slice(0, 8).map(({ host, state }) => `${escapeHtml(host)}: ${state}`),
        asOf(now.now_us, ask),
      ];
      return { html: html.join("\n"), buttons: rows(go(`🔄 ${say.refresh}`, "delay")) };
    },
};
