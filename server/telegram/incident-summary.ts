import type { Incident } from "../incident.ts";
import { count } from "./amounts.ts";
import { cut, escapeHtml, fit, mostText } from "./html.ts";
import { stillLine } from "./incident-message.ts";
import { at, fill, lasted, lossOf, mark, type Speech, titleOf, wordsOf, zone } from "./incident-phrases.ts";
import type { Letter } from "./sender.ts";

/** What is told together, and why so late. */
export type Late = {
  /** When Telegram could not be reached, µs; null where that is not why. */
  readonly unreachable: { readonly fromUs: number; readonly toUs: number } | null;
  readonly over: readonly Incident[];
  readonly open: readonly Incident[];
  /** So many older ones, of which nothing else is known any more. */
  readonly forgotten: number;
};

/** One message for what could not be told in time; it makes a sound only where something is still open. */
export function summaryLetter({ unreachable, over, open, forgotten }: Late, speech: Speech): Letter {
  const words = wordsOf(speech.language);
  const lines = [
    ...(open.length > 0 ? [`<b>${words.meanwhileOpen}</b>`, ...open.map((one) => overLine(one, speech))] : []),
    ...(over.length > 0 ? [`<b>${words.meanwhileOver}</b>`, ...over.map((one) => overLine(one, speech))] : []),
    ...(forgotten > 0 ? [fill(words.older, { n: count(forgotten, speech.language) })] : []),
  ];
  const html = fit(headOf(unreachable, open.length + over.length, speech), lines, mostText - hostRoom, (n) =>
    fill(words.andMore, { n: count(n, speech.language) }),
  );
  const isSilent = open.every(({ severity }) => severity === "info");
  return { html: `${html}\n<i>${escapeHtml(cut(speech.host, hostRoom - 1))}</i>`, silent: isSilent };
}

/** One reminder of several. */
export function stillSeveralLetter(open: readonly Incident[], speech: Speech): Letter {
  const words = wordsOf(speech.language);
  const lines = open.map((one) => stillLine(one, speech));
  return { html: fit(`<b>${words.stillSeveral}</b>`, lines, mostText, moreOf(speech)) };
}

/** One silent note that several are over. */
export function overSeveralLetter(over: readonly Incident[], speech: Speech, replyTo: number | null): Letter {
  const words = wordsOf(speech.language);
  const lines = over.map((one) => overLine(one, speech));
  return { html: fit(`<b>${words.overSeveral}</b>`, lines, mostText, moreOf(speech)), silent: true, replyTo };
}

const hostRoom = 100;

function headOf(unreachable: Late["unreachable"], n: number, speech: Speech): string {
  const words = wordsOf(speech.language);
  if (unreachable === null) return fill(words.severalOpen, { n: count(n, speech.language) });
  const { fromUs, toUs } = unreachable;
  return fill(words.late, { from: at(fromUs, speech), to: at(toUs, speech), zone: zone(speech) });
}

function moreOf({ language }: Speech): (n: number) => string {
  return (n) => fill(wordsOf(language).andMore, { n: count(n, language) });
}

/** `No connection to Binance, 12 min from 03:12. No records lost.`, with its mark. */
export function overLine(incident: Incident, speech: Speech): string {
  const { language } = speech;
  const values = {
    title: titleOf(incident, language),
    duration: lasted(incident, speech),
    time: at(incident.from_us, speech),
  };
  const loss = incident.to_us === null ? null : lossOf(incident, language);
  const line = `${mark(incident)} ${fill(wordsOf(language).overLine, values)}`;
  return loss === null ? line : `${line}. ${loss}`;
}
