import type { Incident } from "../../domain/incidents/incident.ts";
import { roughDuration } from "../../text/amounts.ts";
import { fill } from "../../text/language.ts";
import { localizedReason } from "../../text/reason.ts";
import { incidentAct, incidentAdvice, incidentCost } from "../../text/rules/rule-words.ts";
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
  nameOf,
  recordingOf,
  type Speech,
  spanOf,
  subjectLine,
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
  const head = openHead(incident, speech, incidentTexts(speech.language).worse);
  return { html: [head, ...shortLines(incident, speech)].join("\n"), replyTo: messageId };
}

/** Builds the reminder of an unacknowledged incident: a reply with its current figure and the buttons. */
export function stillMessage(incident: Incident, speech: Speech, messageId: number): ChatMessage {
  const { still } = incidentTexts(speech.language);
  const head = openHead(incident, speech, fill(still, { duration: roughly(incident, speech) }));
  return { html: head, replyTo: messageId, buttons: buttonsOf(incident, speech, false) };
}

/** Builds the reply that reports the end of an incident: its subject, its duration and its loss. */
export function overMessage(incident: Incident, speech: Speech, messageId: number): ChatMessage {
  return { html: closedHead(incident, speech), replyTo: messageId, silent: true };
}

function headOf(incident: Incident, speech: Speech): string {
  return incident.to_us === null ? openHead(incident, speech, null) : closedHead(incident, speech);
}

/** Formats a first line: mark, whether data is recorded, the incident with its figure, and whether to act. */
function openHead(incident: Incident, speech: Speech, prefix: string | null): string {
  const { language } = speech;
  const act = escapeHtml(incidentAct(incident, language));
  const parts = [
    ...(prefix === null ? [] : [prefix]),
    recordingOf(speech, [incident]),
    nameOf(incident, language),
    act,
  ];
  return `${mark(incident)} <b>${parts.join(" · ")}</b>`;
}

function closedHead(incident: Incident, speech: Speech): string {
  const { language } = speech;
  const over = fill(incidentTexts(language).over, { duration: lasted(incident, speech) });
  const loss = lossOf(incident, language);
  const parts = [...(isPast(incident) ? [] : [over]), nameOf(incident, language), ...(loss === null ? [] : [loss])];
  return `${mark(incident)} <b>${parts.join(" · ")}</b>`;
}

function openLines(incident: Incident, speech: Speech, mutedUntilUs: number | null): string[] {
  const words = incidentTexts(speech.language);
  const since = {
    time: at(incident.from_us, speech),
    zone: zone(incident.from_us, speech),
    duration: roughly(incident, speech),
  };
  const known = incident.acknowledged;
  return [
    withFigure(fill(isPast(incident) ? words.past : words.since, since), incident, speech),
    ...shortLines(incident, speech),
    ...flapLine(incident, speech),
    counsel(incident, speech),
    ...(known === null
      ? []
      : [fill(words.acknowledged, { by: escapeHtml(cut(known.by, 60)), time: at(known.at_us, speech) })]),
    ...(mutedUntilUs === null ? [] : [fill(words.muted, { time: at(mutedUntilUs, speech) })]),
    hostLine(speech),
  ];
}

/** Cost and advice, which a tap unfolds. */
function counsel(incident: Incident, speech: Speech): string {
  const cost = escapeHtml(incidentCost(incident, speech.language));
  return `<blockquote expandable>${cost}\n${adviceLine(incident, speech)}</blockquote>`;
}

function closedLines(incident: Incident, speech: Speech): string[] {
  const words = incidentTexts(speech.language);
  const toUs = incident.to_us ?? speech.nowUs;
  const time = at(toUs, speech);
  const isMoment = isPast(incident) || time === at(incident.from_us, speech);
  const when = isMoment ? fill(words.past, { time, zone: zone(toUs, speech) }) : spanOf(incident.from_us, toUs, speech);
  return [
    withFigure(when, incident, speech),
    ...shortLines(incident, speech),
    ...flapLine(incident, speech),
    ...(isPast(incident) ? [`<blockquote expandable>${adviceLine(incident, speech)}</blockquote>`] : []),
    hostLine(speech),
  ];
}

function withFigure(when: string, incident: Incident, { language }: Speech): string {
  const figure = figureOf(incident, language);
  return figure === null ? when : `${when}; ${figure}`;
}

/** Returns the lines for the subjects, the source's detail and the loss so far. The head of a closed incident has the loss. */
function shortLines(incident: Incident, speech: Speech): string[] {
  const { language } = speech;
  const detail = localizedReason(incident.detail?.trim() ?? "", language);
  const lines = [
    subjectLine(incident, language),
    detail === "" ? null : `<code>${escapeHtml(cut(detail.replace(/\s+/g, " "), mostDetail))}</code>`,
    incident.to_us === null ? lossOf(incident, language) : null,
  ];
  return lines.filter((line) => line !== null);
}

function adviceLine({ rule }: Incident, { language, medium = "bot" }: Speech): string {
  return `→ ${codeOf(incidentAdvice(rule, language, medium))}`;
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
