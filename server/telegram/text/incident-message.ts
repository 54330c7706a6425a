import type { Incident } from "../../domain/incidents/incident.ts";
import { count, roughDuration } from "../../text/amounts.ts";
import { fill } from "../../text/language.ts";
import { localizedReason } from "../../text/reason.ts";
import { incidentAdvice, incidentCost } from "../../text/rules/rule-words.ts";
import type { ChatMessage } from "../api/bot-api.ts";
import { cut, escapeHtml, fit, mostText } from "../api/html.ts";
import {
  at,
  figureOf,
  incidentTexts,
  isPast,
  lasted,
  lossOf,
  mark,
  type Speech,
  titleOf,
  zone,
} from "./incident-phrases.ts";

/** Longest detail text of a source, characters. */
const mostDetail = 400;

/** Builds an incident's message in its current state. `mutedUntilUs` is the end of its mute, or null. */
export function incidentMessage(incident: Incident, speech: Speech, mutedUntilUs: number | null = null): ChatMessage {
  const isSilent = incident.severity === "info" || incident.to_us !== null;
  const lines = incident.to_us === null ? openLines(incident, speech, mutedUntilUs) : closedLines(incident, speech);
  const html = fit(headOf(incident, speech), lines, mostText, () => "…");
  const buttons = incident.to_us === null ? buttonsOf(incident, speech, mutedUntilUs !== null) : [];
  return { html, silent: isSilent, buttons };
}

/** Builds the reply for an incident that concerns more or has become critical. It makes a sound. */
export function worseMessage(incident: Incident, speech: Speech, messageId: number): ChatMessage {
  const title = fill(incidentTexts(speech.language).worse, { title: titleOf(incident, speech.language) });
  return {
    html: [`${mark(incident)} <b>${title}</b>`, ...shortLines(incident, speech)].join("\n"),
    replyTo: messageId,
  };
}

/** Builds the reminder of an unacknowledged incident: a reply with the buttons. */
export function stillMessage(incident: Incident, speech: Speech, messageId: number): ChatMessage {
  return { html: stillLine(incident, speech), replyTo: messageId, buttons: buttonsOf(incident, speech, false) };
}

/** Formats a line with the mark: `Still: No connection to Binance, for 2 h`. */
function stillLine(incident: Incident, speech: Speech): string {
  const values = { title: titleOf(incident, speech.language), duration: roughly(incident, speech) };
  return `${mark(incident)} ${fill(incidentTexts(speech.language).still, values)}`;
}

/** Builds the reply that reports the end of an incident. It repeats the title unless the message is quoted. */
export function overMessage(incident: Incident, isQuoted: boolean, speech: Speech, messageId: number): ChatMessage {
  const { language } = speech;
  const { over, reply } = incidentTexts(language);
  const values = { duration: lasted(incident, speech), title: titleOf(incident, language) };
  const lost = lossOf(incident, language);
  const text = `${mark(incident)} ${fill(isQuoted ? reply : over, values)}${isQuoted ? "" : "."}`;
  return { html: lost === null ? text : `${text} ${lost}`, replyTo: messageId, silent: true };
}

function headOf(incident: Incident, speech: Speech): string {
  const title = titleOf(incident, speech.language);
  if (incident.to_us === null || isPast(incident)) return `${mark(incident)} <b>${title}</b>`;
  const values = { title, duration: lasted(incident, speech) };
  return `${mark(incident)} <b>${fill(incidentTexts(speech.language).over, values)}</b>`;
}

function openLines(incident: Incident, speech: Speech, mutedUntilUs: number | null): string[] {
  const words = incidentTexts(speech.language);
  const since = {
    time: at(incident.from_us, speech),
    zone: zone(speech),
    duration: roughly(incident, speech),
  };
  const known = incident.acknowledged;
  return [
    fill(isPast(incident) ? words.past : words.since, since),
    ...shortLines(incident, speech),
    ...flapLine(incident, speech),
    escapeHtml(incidentCost(incident, speech.language)),
    adviceLine(incident, speech),
    ...(known === null
      ? []
      : [fill(words.acknowledged, { by: escapeHtml(cut(known.by, 60)), time: at(known.at_us, speech) })]),
    ...(mutedUntilUs === null ? [] : [fill(words.muted, { time: at(mutedUntilUs, speech) })]),
    hostLine(speech),
  ];
}

function closedLines(incident: Incident, speech: Speech): string[] {
  const words = incidentTexts(speech.language);
  const [from, to] = [at(incident.from_us, speech), at(incident.to_us ?? speech.nowUs, speech)];
  const values = { from, to, time: to, zone: zone(speech) };
  const when = fill(from === to || isPast(incident) ? words.past : words.span, values);
  return [
    when,
    ...shortLines(incident, speech),
    ...flapLine(incident, speech),
    ...(isPast(incident) ? [adviceLine(incident, speech)] : []),
    hostLine(speech),
  ];
}

/** Returns the lines for the figure, the source's detail and the loss. */
function shortLines(incident: Incident, speech: Speech): string[] {
  const detail = localizedReason(incident.detail?.trim() ?? "", speech.language);
  const lines = [
    figureOf(incident, speech.language),
    detail === "" ? null : `<code>${escapeHtml(cut(detail.replace(/\s+/g, " "), mostDetail))}</code>`,
    lossOf(incident, speech.language),
  ];
  return lines.filter((line) => line !== null);
}

function adviceLine({ rule }: Incident, { language }: Speech): string {
  return `→ ${codeOf(incidentAdvice(rule, language, "bot"))}`;
}

function flapLine({ flaps }: Incident, { language }: Speech): string[] {
  return flaps > 0 ? [fill(incidentTexts(language).flaps, { n: String(flaps) })] : [];
}

function hostLine({ host }: Speech): string {
  return `<i>${escapeHtml(host)}</i>`;
}

function buttonsOf(incident: Incident, { language }: Speech, isMuted: boolean): NonNullable<ChatMessage["buttons"]> {
  const { acknowledge, takeBack, mute1h, mute8h } = incidentTexts(language);
  if (isMuted || incident.severity === "info") return [];
  return [
    [
      incident.acknowledged === null
        ? { text: acknowledge, data: `ack:${incident.id}` }
        : { text: takeBack, data: `unack:${incident.id}` },
      { text: mute1h, data: `mute:${incident.id}:60` },
      { text: mute8h, data: `mute:${incident.id}:480` },
    ],
  ];
}

/** Turns `text in backticks` into code, which a tap copies. */
function codeOf(text: string): string {
  return escapeHtml(text).replace(/`([^`]*)`/g, "<code>$1</code>");
}

function roughly({ from_us }: Incident, { nowUs, language }: Speech): string {
  return roughDuration(nowUs - from_us, language);
}

/** The incidents of a summary, and the reason for its delay. */
export type LateSummary = {
  /** The outage of Telegram, µs; null if there was another reason. */
  readonly unreachable: { readonly fromUs: number; readonly toUs: number } | null;
  readonly over: readonly Incident[];
  readonly open: readonly Incident[];
  /** Number of older incidents that were dropped unsent. */
  readonly forgotten: number;
};

/** Builds a message for incidents that could not be sent in time. It makes a sound only if an incident is still open. */
export function summaryMessage({ unreachable, over, open, forgotten }: LateSummary, speech: Speech): ChatMessage {
  const words = incidentTexts(speech.language);
  const lines = [
    ...(open.length > 0
      ? [`<b>${words.meanwhileOpen}</b>`, ...open.map((incident) => overLine(incident, speech))]
      : []),
    ...(over.length > 0
      ? [`<b>${words.meanwhileOver}</b>`, ...over.map((incident) => overLine(incident, speech))]
      : []),
    ...(forgotten > 0 ? [fill(words.older, { n: count(forgotten, speech.language) })] : []),
  ];
  const html = fit(severalHead(unreachable, open.length + over.length, speech), lines, mostText - hostRoom, (n) =>
    fill(words.andMore, { n: count(n, speech.language) }),
  );
  const isSilent = open.every(({ severity }) => severity === "info");
  return { html: `${html}\n<i>${escapeHtml(cut(speech.host, hostRoom - 1))}</i>`, silent: isSilent };
}

/** Builds a reminder of several incidents. */
export function stillSeveralMessage(open: readonly Incident[], speech: Speech): ChatMessage {
  const words = incidentTexts(speech.language);
  const lines = open.map((incident) => stillLine(incident, speech));
  return { html: fit(`<b>${words.stillSeveral}</b>`, lines, mostText, moreOf(speech)) };
}

/** Builds a silent message that several incidents are over. */
export function overSeveralMessage(over: readonly Incident[], speech: Speech, replyTo: number | null): ChatMessage {
  const words = incidentTexts(speech.language);
  const lines = over.map((incident) => overLine(incident, speech));
  return { html: fit(`<b>${words.overSeveral}</b>`, lines, mostText, moreOf(speech)), silent: true, replyTo };
}

const hostRoom = 100;

function severalHead(unreachable: LateSummary["unreachable"], n: number, speech: Speech): string {
  const words = incidentTexts(speech.language);
  if (unreachable === null) return fill(words.severalOpen, { n: count(n, speech.language) });
  const { fromUs, toUs } = unreachable;
  return fill(words.late, { from: at(fromUs, speech), to: at(toUs, speech), zone: zone(speech) });
}

function moreOf({ language }: Speech): (n: number) => string {
  return (n) => fill(incidentTexts(language).andMore, { n: count(n, language) });
}

/** Formats a line with the mark: `No connection to Binance, 12 min from 03:12. No records lost.` */
export function overLine(incident: Incident, speech: Speech): string {
  const { language } = speech;
  const values = {
    title: titleOf(incident, language),
    duration: lasted(incident, speech),
    time: at(incident.from_us, speech),
  };
  const loss = incident.to_us === null ? null : lossOf(incident, language);
  const line = `${mark(incident)} ${fill(incidentTexts(language).overLine, values)}`;
  return loss === null ? line : `${line}. ${loss}`;
}
