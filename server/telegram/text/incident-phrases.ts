import type { Incident } from "../../domain/incidents/incident.ts";
import { ruleFacts } from "../../domain/incidents/incident-rules.ts";
import { count, duration } from "../../text/amounts.ts";
import { type IncidentWords, incidentWordsEn } from "../../text/en/incident-texts.ts";
import { inUnit, lossText } from "../../text/incident-figures.ts";
import { incidentWordsKo } from "../../text/ko/incident-texts.ts";
import { fill, type Language } from "../../text/language.ts";
import { timeOfDay, zoneName } from "../../text/local-time.ts";
import { incidentTitle, ruleWords } from "../../text/rules/rule-words.ts";
import { cut, escapeHtml } from "../api/html.ts";

/** The context of a text: language, time and machine. */
export type Speech = {
  readonly language: Language;
  readonly nowUs: number;
  /** Time zone of displayed times; the machine's time zone if missing. */
  readonly timeZone?: string;
  readonly host: string;
};

/** Number of named subjects; the others become "and n more". */
const namedSubjects = 3;

const marks = { critical: "🔴", warning: "🟠", info: "🔵" } as const;

/** Returns the incident words of a language. */
export function incidentTexts(language: Language): IncidentWords {
  return language === "ko" ? incidentWordsKo : incidentWordsEn;
}

/** Returns the emoji for an incident's severity or end. */
export function mark(incident: Incident): string {
  return incident.to_us !== null && !isPast(incident) ? "✅" : marks[incident.severity];
}

/** True for rules that report an event, not a lasting condition. */
export function isPast({ rule }: Pick<Incident, "rule">): boolean {
  return ruleFacts[rule].isPast === true;
}

/** Formats an incident's title as HTML without tags: `No data from BTCUSDT, ETHUSDT and 3 more`. */
export function titleOf(incident: Incident, language: Language): string {
  const words = incidentTexts(language);
  const { titleOf: template, mild } = ruleWords(incident.rule, language);
  const isMild = mild !== undefined && incident.severity !== "critical";
  if (isMild || incident.subjects.length === 0 || template === undefined)
    return escapeHtml(incidentTitle(incident, language));
  const named = incident.subjects.slice(0, namedSubjects).map((subject) => cut(subject.replace(/\s+/g, " "), 60));
  const rest = Math.max(incident.subject_count, incident.subjects.length) - named.length;
  const listed = named.join(", ");
  const subjects = rest > 0 ? fill(words.more, { subjects: listed, n: count(rest, language) }) : listed;
  return escapeHtml(fill(template, { subjects }));
}

/** Formats the watched figure with its worst value and its limit as HTML; null if there is no figure. */
export function figureOf(incident: Incident, language: Language): string | null {
  const words = incidentTexts(language);
  const { measure } = ruleWords(incident.rule, language);
  const { unit } = ruleFacts[incident.rule];
  const isOver = incident.to_us !== null;
  const value = isOver ? (incident.worst ?? incident.value) : incident.value;
  if (measure === undefined || unit === null || value === null || !Number.isFinite(value)) return null;
  const say = (amount: number) => inUnit(unit, amount, language);
  const { worst, limit } = incident;
  const isWorse = worst !== null && !isOver && say(worst) !== say(value);
  const parts = [
    fill(isOver && !isPast(incident) ? words.atWorst : words.figure, { measure, value: say(value) }),
    ...(isWorse ? [fill(words.worst, { worst: say(worst) })] : []),
    ...(limit === null ? [] : [fill(words.limit, { limit: say(limit) })]),
  ];
  return escapeHtml(parts.join(", "));
}

/** Formats the loss of an incident as far as it is known; null if there is no loss to report. */
export function lossOf(incident: Incident, language: Language): string | null {
  const words = incidentTexts(language);
  const isOver = incident.to_us !== null || isPast(incident);
  const what = lossText(incident, language);
  if (what !== null) return fill(isOver ? words.lost : words.lostSoFar, { what });
  return isOver && ruleFacts[incident.rule].costs !== undefined && incident.records_lost === 0
    ? words.nothingLost
    : null;
}

/** Formats the duration of an incident, up to now if it is open. */
export function lasted({ from_us, to_us }: Incident, { nowUs, language }: Speech): string {
  return duration((to_us ?? nowUs) - from_us, language);
}

/** Formats a local time: `03:12`. */
export function at(us: number, { nowUs, language, timeZone }: Speech): string {
  return timeOfDay(us, nowUs, language, timeZone);
}

/** Returns the name of the time zone of displayed times. */
export function zone({ nowUs, timeZone }: Speech): string {
  return zoneName(nowUs, timeZone);
}
