import { byGravity, type Incident } from "../../domain/incidents/incident.ts";
import { count, duration, roughDuration } from "../../text/amounts.ts";
import { fill } from "../../text/language.ts";
import type { ChatMessage } from "../api/bot-api.ts";
import { cut, escapeHtml, fit, mostText } from "../api/html.ts";
import {
  at,
  incidentTexts,
  lasted,
  lossOf,
  mark,
  nameOf,
  recordingOf,
  type Speech,
  spanOf,
} from "./incident-phrases.ts";

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
    ...(unreachable === null ? [] : [spanOf(unreachable.fromUs, unreachable.toUs, speech)]),
    ...(open.length > 0
      ? [
          `<b>${speech.medium === "page" ? words.meanwhileOpenPage : words.meanwhileOpen}</b>`,
          ...open.map((incident) => overLine(incident, speech)),
        ]
      : []),
    ...(over.length > 0
      ? [`<b>${words.meanwhileOver}</b>`, ...over.map((incident) => overLine(incident, speech))]
      : []),
    ...(forgotten > 0 ? [fill(words.older, { n: count(forgotten, speech.language) })] : []),
  ];
  const html = fit(severalHead(unreachable, over, open, speech), lines, mostText - hostRoom, (n) =>
    fill(words.andMore, { n: count(n, speech.language) }),
  );
  const isSilent = open.every(({ severity }) => severity === "info");
  return { html: `${html}\n<i>${escapeHtml(cut(speech.host, hostRoom - 1))}</i>`, silent: isSilent };
}

/** Builds a reminder of several incidents, each with its current figure. */
export function stillSeveralMessage(open: readonly Incident[], speech: Speech): ChatMessage {
  const words = incidentTexts(speech.language);
  const lines = open.map((incident) => {
    const age = fill(words.still, { duration: roughDuration(speech.nowUs - incident.from_us, speech.language) });
    return `${mark(incident)} ${age} · ${nameOf(incident, speech.language)}`;
  });
  const head = `${markOf(open)} <b>${fill(words.stillSeveral, { n: count(open.length, speech.language) })} · ${recordingOf(speech, open)}</b>`;
  return { html: fit(head, lines, mostText, moreOf(speech)) };
}

/** Builds a silent message that several incidents are over. */
export function overSeveralMessage(over: readonly Incident[], speech: Speech, replyTo: number | null): ChatMessage {
  const words = incidentTexts(speech.language);
  const lines = over.map((incident) => overLine(incident, speech));
  const head = `✅ <b>${fill(words.overSeveral, { n: count(over.length, speech.language) })} · ${recordingOf(speech, [])}</b>`;
  return { html: fit(head, lines, mostText, moreOf(speech)), silent: true, replyTo };
}

const hostRoom = 100;

/** Formats the first line of a summary. It says whether data is recorded now, so that a list of ended incidents cannot be mistaken. */
function severalHead(
  unreachable: LateSummary["unreachable"],
  over: readonly Incident[],
  open: readonly Incident[],
  speech: Speech,
): string {
  const { language } = speech;
  const words = incidentTexts(language);
  const n = count(open.length + over.length, language);
  const state = recordingOf(speech, open);
  if (unreachable === null) {
    const text = open.length === 0 ? words.overSeveral : words.severalOpen;
    return `${markOf(open)} <b>${fill(text, { n })} · ${state}</b>`;
  }
  const away = duration(unreachable.toUs - unreachable.fromUs, language);
  const parts = [
    fill(words.late, { service: speech.service ?? words.telegram, duration: away }),
    fill(words.lateCount, { n }),
    state,
  ];
  return `⚠️ <b>${parts.join(" · ")}</b>`;
}

/** Returns the mark of the gravest incident; of an end without any. */
function markOf(open: readonly Incident[]): string {
  const [gravest] = open.toSorted(byGravity);
  return gravest === undefined ? "✅" : mark(gravest);
}

function moreOf({ language }: Speech): (n: number) => string {
  return (n) => fill(incidentTexts(language).andMore, { n: count(n, language) });
}

/** Formats a line with the mark: `No connection to Binance, 12 min from 03:12 · 4 records lost`. */
export function overLine(incident: Incident, speech: Speech): string {
  const { language } = speech;
  const values = {
    title: nameOf(incident, language),
    duration: lasted(incident, speech),
    time: at(incident.from_us, speech),
  };
  const loss = incident.to_us === null ? null : lossOf(incident, language);
  const line = `${mark(incident)} ${fill(incidentTexts(language).overLine, values)}`;
  return loss === null ? line : `${line} · ${loss}`;
}
