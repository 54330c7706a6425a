import type { Incident } from "../../domain/incidents/incident.ts";
import { ruleFacts } from "../../domain/incidents/incident-rules.ts";
import type { RecordingState } from "../../domain/incidents/recording-state.ts";
import { count, duration } from "../../text/amounts.ts";
import { type IncidentWords, incidentWordsEn } from "../../text/en/incident-texts.ts";
import { inUnit, lossText } from "../../text/incident-figures.ts";
import { incidentWordsKo } from "../../text/ko/incident-texts.ts";
import { fill, type Language } from "../../text/language.ts";
import { timeOfDay, zoneName } from "../../text/local-time.ts";
import { incidentTitle, type Medium, ruleWords } from "../../text/rules/rule-words.ts";
import { cut, escapeHtml } from "../api/html.ts";

/** The context of a text: language, time and machine. */
export type Speech = {
  readonly language: Language;
  readonly nowUs: number;
  /** Time zone of displayed times; the machine's time zone if missing. */
  readonly timeZone?: string;
  readonly host: string;
  /** Name of the service that shows the text; Telegram if missing. */
  readonly service?: string;
  /** Where advice points to; missing: the bot. */
  readonly medium?: Medium;
  /** Whether data is recorded now. Missing: yes. */
  readonly recording?: RecordingState;
};

/** Number of subjects that a title names, if there are more than two; the others become "and n more". */
const namedSubjects = 1;

/** Number of subjects that a list names. */
const listedSubjects = 10;

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

/** Formats an incident's title as HTML without tags: `No data from BTCUSDT and 3 more`. */
export function titleOf(incident: Incident, language: Language): string {
  const { titleOf: template, mild } = ruleWords(incident.rule, language);
  const isMild = mild !== undefined && incident.severity !== "critical";
  if (isMild || incident.subjects.length === 0 || template === undefined)
    return escapeHtml(incidentTitle(incident, language));
  const most = incident.subject_count > 2 ? namedSubjects : 2;
  return escapeHtml(fill(template, { subjects: subjectsOf(incident, most, language) }));
}

/** Formats the title with the current figure, or at the end the worst: `Disk nearly full: 80.0 GB left`. */
export function nameOf(incident: Incident, language: Language): string {
  const { brief } = ruleWords(incident.rule, language);
  const { unit } = ruleFacts[incident.rule];
  const value = incident.to_us === null ? incident.value : (incident.worst ?? incident.value);
  const title = titleOf(incident, language);
  // A limit of 0 stands for failed work, which is counted in another unit.
  if (brief === undefined || unit === null || value === null || !Number.isFinite(value) || incident.limit === 0)
    return title;
  const figure = fill(brief, { value: inUnit(unit, value, language) });
  const isEnd = incident.to_us !== null && !isPast(incident);
  return `${title}: ${escapeHtml(isEnd ? fill(incidentTexts(language).atWorst, { value: figure }) : figure)}`;
}

/** Lists the subjects if the title does not name them all; null otherwise. */
export function subjectLine(incident: Incident, language: Language): string | null {
  const hasThem = ruleWords(incident.rule, language).titleOf !== undefined;
  return hasThem && incident.subject_count > 2 ? escapeHtml(subjectsOf(incident, listedSubjects, language)) : null;
}

function subjectsOf({ subjects, subject_count }: Incident, most: number, language: Language): string {
  const named = subjects.slice(0, most).map((subject) => cut(subject.replace(/\s+/g, " "), 60));
  const rest = Math.max(subject_count, subjects.length) - named.length;
  const listed = named.join(", ");
  return rest > 0 ? fill(incidentTexts(language).more, { subjects: listed, n: count(rest, language) }) : listed;
}

/** Formats whether data is recorded now: `NOT RECORDING`. It never says more than the incidents of the message allow. */
export function recordingOf({ language, recording = "all" }: Speech, incidents: readonly Incident[]): string {
  const words = incidentTexts(language);
  const open = incidents.filter(({ to_us }) => to_us === null);
  if (recording === "stopped" || open.some((one) => one.rule === "disconnected" && one.severity === "critical"))
    return words.stopped;
  if (recording === "held" || open.some(({ rule }) => rule === "write_error")) return words.held;
  const isPart = open.some(({ rule }) => rule === "disconnected" || rule === "stale" || rule === "symbol_unknown");
  return isPart ? words.part : words[recording];
}

/** Formats the worst value of the watched figure and its limit as HTML; null for a figure without either. */
export function figureOf(incident: Incident, language: Language): string | null {
  const words = incidentTexts(language);
  const { unit } = ruleFacts[incident.rule];
  const { worst, limit, value, to_us } = incident;
  if (
    ruleWords(incident.rule, language).brief === undefined ||
    unit === null ||
    value === null ||
    !Number.isFinite(value)
  )
    return null;
  const say = (amount: number) => inUnit(unit, amount, language);
  const isWorse = worst !== null && to_us === null && say(worst) !== say(value);
  const parts = [
    ...(isWorse ? [fill(words.worst, { worst: say(worst) })] : []),
    ...(limit === null || limit === 0 ? [] : [fill(words.limit, { limit: say(limit) })]),
  ];
  return parts.length === 0 ? null : escapeHtml(parts.join(", "));
}

/** Formats what an incident has lost: so far as a sentence, at its end as a phrase; null if there is no loss to report. */
export function lossOf(incident: Incident, language: Language): string | null {
  const words = incidentTexts(language);
  const isOver = incident.to_us !== null || isPast(incident);
  const what = lossText(incident, language);
  if (what !== null) return fill(isOver ? words.lost : words.lostSoFar, { what });
  const { costs, isHarmless } = ruleFacts[incident.rule];
  const isWhole = isHarmless === true || (costs !== undefined && incident.records_lost === 0);
  return isOver && isWhole ? words.nothingLost : null;
}

/** Formats the duration of an incident, up to now if it is open. */
export function lasted({ from_us, to_us }: Incident, { nowUs, language }: Speech): string {
  return duration((to_us ?? nowUs) - from_us, language);
}

/** Formats a local time: `03:12`. */
export function at(us: number, { nowUs, language, timeZone }: Speech): string {
  return timeOfDay(us, nowUs, language, timeZone);
}

/** Returns the name of the time zone at a time: it changes in the night in which the clock changes. */
export function zone(us: number, { timeZone }: Speech): string {
  return zoneName(us, timeZone);
}

/** Formats a span with the zone once, or with both if the clock was changed within it: `01:50 CEST – 02:10 CET`. */
export function spanOf(fromUs: number, toUs: number, speech: Speech): string {
  const words = incidentTexts(speech.language);
  const zones = { fromZone: zone(fromUs, speech), zone: zone(toUs, speech) };
  const values = { from: at(fromUs, speech), to: at(toUs, speech), ...zones };
  return fill(zones.fromZone === zones.zone ? words.span : words.twoZones, values);
}
