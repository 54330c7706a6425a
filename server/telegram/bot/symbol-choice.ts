import { parseSymbol } from "../../domain/stream.ts";
import { nearest } from "../../platform/did-you-mean.ts";
import { fill } from "../../text/language.ts";
import { escapeHtml } from "../api/html.ts";
import { type Ask, type CommandAnswer, go, rows } from "./command.ts";

/** A recorded symbol, or the answer that asks for a symbol. */
export type SymbolChoice =
  | { readonly ok: true; readonly symbol: string; readonly previous: string; readonly next: string }
  | { readonly ok: false; readonly answer: CommandAnswer };

/** Number of symbols offered for an unknown word. */
const offered = 6;

/**
 * Chooses the symbol for a word: an exact match or a unique prefix. Without a word it is the first symbol. `line` returns the command
 * line of a button that offers a symbol.
 */
export function chooseSymbol(
  word: string | undefined,
  symbols: readonly string[],
  { say }: Pick<Ask, "say">,
  line: (symbol: string) => string,
): SymbolChoice {
  const first = symbols[0];
  if (first === undefined) return { ok: false, answer: { html: say.noSymbols } };
  if (word === undefined) return chosen(symbols, first);
  const wanted = parseSymbol(word);
  if (wanted !== null && symbols.includes(wanted)) return chosen(symbols, wanted);
  const begun = wanted === null ? [] : symbols.filter((symbol) => symbol.startsWith(wanted));
  if (begun[0] !== undefined && begun.length === 1) return chosen(symbols, begun[0]);
  const near = wanted === null ? null : nearest(wanted, symbols);
  const others = begun.length > 1 ? begun : near === null ? symbols : [near];
  const text = begun.length > 1 ? say.severalSymbols : say.unknownSymbol;
  const buttons = others.slice(0, offered).flatMap((symbol) => go(symbol, line(symbol)));
  const html = fill(text, { symbol: escapeHtml(word.slice(0, 40)) });
  return { ok: false, answer: { html, buttons: rows(buttons.slice(0, 3), buttons.slice(3)) } };
}

function chosen(symbols: readonly string[], symbol: string): SymbolChoice {
  const at = symbols.indexOf(symbol);
  const beside = (step: number) => symbols[(at + step + symbols.length) % symbols.length] ?? symbol;
  return { ok: true, symbol, previous: beside(-1), next: beside(1) };
}
