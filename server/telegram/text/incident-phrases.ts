import type { Incident } from "../../domain/incidents/incident.ts";
import { ruleFacts } from "../../domain/incidents/incident-rules.ts";
import { count, duration, timeOfDay, zoneName } from "../../text/amounts.ts";
import { type IncidentWords, incidentWordsEn } from "../../text/en/incident-texts.ts";
import { inUnit, lossText } from "../../text/incident-figures.ts";
import { incidentWordsKo } from "../../text/ko/incident-texts.ts";
import { fill, type Language } from "../../text/language.ts";
import { incidentTitle, ruleWords } from "../../text/rules/rule-words.ts";
import { cut, escapeHtml } from "../api/html.ts";

/** For whom, when and of which machine something is said. */
export type Speech = {
  readonly language: Language;
  readonly nowUs: number;
  /** Of times that are shown; the machine's own where it is not given. */
  readonly timeZone?: string;
  readonly host: string;
};

/** Subjects that are named before it is "and so many more". */
const namedSubjects = 3;

const marks = { critical: "🔴", warning: "🟠", info: "🔵" } as const;

/** The words of a language. */
export function incidentTexts(language: Language): IncidentWords {
  return language === "ko" ? incidentWordsKo : incidentWordsEn;
}

/** How grave it is, at a glance. */
export function mark(incident: Incident): string {
  return incident.to_us !== null && !isPast(incident) ? "✅" : marks[incident.severity];
}

/** It is told as something that happened rather than as something that lasts. */
export function isPast({ rule }: Pick<Incident, "rule">): boolean {
  return ruleFacts[rule].isPast === true;
}

/** What is the matter, as HTML without tags: `No data from BTCUSDT, ETHUSDT and 3 more`. */
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

/** The watched figure with its worst and its limit, as HTML, or null where there is none. */
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

/** What was lost to it, as far as that is known, or null where there is nothing to say of that. */
export function lossOf(incident: Incident, language: Language): string | null {
  const words = incidentTexts(language);
  const isOver = incident.to_us !== null || isPast(incident);
  const isLost = (incident.records_lost ?? 0) > 0 || (incident.records_lost_estimate ?? 0) > 0;
  const what = isLost ? lossText(incident, language) : null;
  if (what !== null) return fill(isOver ? words.lost : words.lostSoFar, { what });
  return isOver && ruleFacts[incident.rule].costs !== undefined && incident.records_lost === 0
    ? words.nothingLost
    : null;
}

/** How long it lasted, or lasts. */
export function lasted({ from_us, to_us }: Incident, { nowUs, language }: Speech): string {
  return duration((to_us ?? nowUs) - from_us, language);
}

/** `03:12`, in the machine's time. */
export function at(us: number, { nowUs, language, timeZone }: Speech): string {
  return timeOfDay(us, nowUs, language, timeZone);
}

/** Name of the time zone in which times are said. */
export function zone({ nowUs, timeZone }: Speech): string {
  return zoneName(nowUs, timeZone);
}
