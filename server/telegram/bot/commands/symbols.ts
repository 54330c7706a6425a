import type { SymbolStatus } from "../../../domain/status.ts";
import { count, decimal } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { table } from "../../text/text-table.ts";
import { type Ask, asOf, type BotCommand, pageButtons, rows, shortAge } from "../command.ts";

const phrases = texts({
  en: {
    pageOf: "{page} of {pages}",
    symbolsTitle: "{n} {n|symbol|symbols}",
    symbolHeads: "symbol /s delay age",
    stateHalted: "halted",
    stateDelisted: "delisted",
    stateUnknown: "unknown",
    stateSilent: "silent",
    stateGap: "gap",
  },
  ko: {
    pageOf: "{page} / {pages}",
    symbolsTitle: "심볼 {n}개",
    symbolHeads: "심볼 /초 지연 경과",
    stateHalted: "중단",
    stateDelisted: "폐지",
    stateUnknown: "미상장",
    stateSilent: "무응답",
    stateGap: "공백",
  },
});

/** Symbols per page. */
const perPage = 25;

/** A symbol without data for this time counts as silent, µs; the dashboard uses the same limit. */
const silentUs = 60_000_000;

/** `/symbols [PAGE or PREFIX]`: symbols with problems first, then in the order of the config. */
export const symbolsCommand: BotCommand = {
  name: "symbols",
  about: { en: "every symbol: rate, delay, age", ko: "모든 심볼: 수신량, 지연, 최근 수신" },
  create:
    ({ status }) =>
    (ask) => {
      const { say, language, words } = ask;
      const now = status();
      if (now.symbols.length === 0) return { html: say.noSymbols };
      const { page: wanted, beginning } = readWords(words);
      const matching = now.symbols.filter(({ symbol }) => symbol.startsWith(beginning));
      const all = matching.length > 0 ? matching : now.symbols;
      const rank = (symbol: SymbolStatus) => (troubleOf(symbol, now.now_us, ask) === null ? 1 : 0);
      const sorted = [...all].sort((a, b) => rank(a) - rank(b));
      const pages = Math.ceil(sorted.length / perPage);
      const page = Math.min(Math.max(1, wanted), pages);
      const shown = sorted.slice((page - 1) * perPage, page * perPage);
      const decimals = shown.every(({ messages_per_s }) => messages_per_s >= 99.95) ? 0 : 1;
      const cells = shown.map((symbol) => cellsOf(symbol, now.now_us, decimals, ask));
      const title = fill(phrases[language].symbolsTitle, { n: count(all.length, language) });
      const more = pages > 1 ? ` · ${fill(phrases[language].pageOf, { page, pages })}` : "";
      const html = [
        `<b>${title}</b>${more}`,
        table([phrases[language].symbolHeads.split(" "), ...cells]),
        asOf(now.now_us, ask),
      ];
      const suffix = all === matching && beginning !== "" ? ` ${beginning}` : "";
      const line = (n: number) => `symbols ${n}${suffix}`;
      const hasMore = page < pages;
      return { html: html.join("\n"), buttons: rows(pageButtons(ask, { page, hasMore }, line)) };
    },
};

function readWords(words: readonly string[]): { page: number; beginning: string } {
  let [page, beginning] = [1, ""];
  for (const word of words) {
    // Some symbols begin with digits, such as 1INCHUSDT.
    if (/^\d{1,4}$/.test(word)) page = Number(word);
    else beginning = word.toUpperCase();
  }
  return { page, beginning };
}

function cellsOf(symbol: SymbolStatus, nowUs: number, decimals: number, ask: Ask): readonly string[] {
  const { symbol: name, messages_per_s, delay_ms, last_recv_us } = symbol;
  const trouble = troubleOf(symbol, nowUs, ask);
  return [
    name.length > 12 ? `${name.slice(0, 11)}…` : name,
    decimal(messages_per_s, decimals, ask.language),
    trouble ?? (delay_ms === null ? "–" : `${Math.round(delay_ms)}ms`),
    last_recv_us === null ? "–" : shortAge(nowUs - last_recv_us),
  ];
}

function troubleOf(symbol: SymbolStatus, nowUs: number, { language }: Ask): string | null {
  if (symbol.state === "halted") return phrases[language].stateHalted;
  if (symbol.state === "delisted") return phrases[language].stateDelisted;
  if (symbol.state === "unknown") return phrases[language].stateUnknown;
  if (symbol.streams.some(({ gap }) => gap !== null)) return phrases[language].stateGap;
  return symbol.last_recv_us === null || nowUs - symbol.last_recv_us > silentUs ? phrases[language].stateSilent : null;
}
