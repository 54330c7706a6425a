import type { AlertSettings } from "../../config/alert-keys.ts";
import { type Incident, type IncidentChange, severityOrder } from "../../domain/incidents/incident.ts";
import { type IncidentRule, ruleFacts } from "../../domain/incidents/incident-rules.ts";
import type { RuleFinding } from "./rule.ts";
import type { Rule } from "./rules.ts";

/** What is remembered of one rule from look to look. */
export type RuleState = {
  /** Since when it is found without a break, µs, while it is no incident yet. */
  readonly seenUs: number | null;
  /** It counts from here at the earliest, µs: the start, the end of what it was a consequence of. */
  readonly heldUs: number;
  readonly incident: Incident | null;
  /** The incident as it was told of last. */
  readonly told: Incident | null;
  /** Since when the incident's cause is gone, µs, and since when that is known. */
  readonly gone: { readonly atUs: number; readonly knownUs: number } | null;
  /** What it tells of was over before it was told; the rule itself says how long. */
  readonly isOver: boolean;
  /** Its cause was seen since the start: what was not may have ended while nobody ran. */
  readonly isSeen: boolean;
  /** Ended lately, the newest last. */
  readonly ended: readonly Incident[];
};

/** What happened to an incident. */
export type Change = { readonly incident: Incident; readonly change: IncidentChange };

type Moment = {
  readonly rule: Rule;
  readonly settings: AlertSettings[IncidentRule];
  readonly nowUs: number;
  /** A number that no incident has had. */
  readonly nextId: number;
  /** What was lost is still being refetched: an end waits a little for the sum. */
  readonly isRefetching: boolean;
};

/** Subjects named; of more only their number is known. */
export const mostSubjects = 50;

/** How long ended incidents count, µs: what comes again within it is slower to end. */
const memoryUs = 2 * 3_600_000_000;
const mostEnded = 20;

/** However often it came and went, µs: over for so long is over. */
const longestClearUs = 1_800_000_000;

/** A refetch that takes longer is not waited for, µs. */
const refetchUs = 60_000_000;

/** A mere change of figures is told once a minute at most, and only if it is as large a part as this. */
const changeUs = 60_000_000;
const changePart = 0.2;

/** A rule of which nothing is known; `heldUs` is the start. */
export function freshState(heldUs: number): RuleState {
  return {
    ...{ seenUs: null, heldUs, incident: null, told: null, gone: null },
    ...{ isOver: false, isSeen: false, ended: [] },
  };
}

/** One step of a rule whose finding is known. */
export function step(
  state: RuleState,
  finding: RuleFinding | null,
  at: Moment,
): { state: RuleState; change: Change | null } {
  const { nowUs } = at;
  const ended = state.ended.filter(({ to_us }) => nowUs - (to_us ?? 0) < memoryUs).slice(-mostEnded);
  const known = ended.length === state.ended.length ? state : { ...state, ended };
  if (finding === null) return state.incident === null ? { state: unseen(known), change: null } : leave(known, at);
  if (state.incident !== null) return goOn(known, state.incident, finding, at);
  const seenUs = state.seenUs ?? nowUs;
  const fromUs = finding.overUs === undefined ? (finding.fromUs ?? seenUs) : seenUs;
  const isLong = nowUs - Math.max(fromUs, state.heldUs) >= at.settings.hold_s * 1e6;
  if (!isLong && !finding.isHeld) return { state: { ...known, seenUs }, change: null };
  return open({ ...known, seenUs }, finding, at);
}

/** Ends the incident of a rule at once. */
export function end(state: RuleState, toUs: number, nowUs: number): { state: RuleState; change: Change | null } {
  if (state.incident === null) return { state, change: null };
  const to_us = Math.max(toUs, state.incident.from_us);
  const lasted = Math.round((to_us - state.incident.from_us) / 1e6);
  const { figureIsAge } = ruleFacts[state.incident.rule];
  const incident = {
    ...state.incident,
    ...(figureIsAge ? { value: lasted, worst: lasted } : {}),
    ...{ to_us, changed_us: nowUs },
  };
  const ended = [...state.ended, incident].slice(-mostEnded);
  return {
    state: { ...freshState(state.heldUs), ended },
    change: { incident, change: "closed" },
  };
}

function unseen(state: RuleState): RuleState {
  return state.seenUs === null ? state : { ...state, seenUs: null };
}

function open(state: RuleState, finding: RuleFinding, { rule, nowUs, nextId }: Moment) {
  const { severity, subjects, value, limit, detail } = finding;
  const incident: Incident = {
    ...{ id: nextId, rule: rule.rule, severity, from_us: finding.fromUs ?? state.seenUs ?? nowUs, to_us: null },
    ...{ changed_us: nowUs, subjects: subjects.slice(0, mostSubjects), subject_count: subjects.length },
    ...{ value, worst: value, limit, detail, records_lost: null, records_lost_estimate: null },
    ...{ flaps: 0, acknowledged: null },
  };
  const isOver = finding.overUs !== undefined;
  const gone = finding.overUs === undefined ? null : { atUs: finding.overUs, knownUs: finding.overUs };
  const next = { ...state, incident, told: incident, isSeen: true, isOver, gone };
  return { state: next, change: { incident, change: "opened" as const } };
}

function goOn(state: RuleState, before: Incident, finding: RuleFinding, { nowUs, rule }: Moment) {
  const isBack = state.gone !== null && !state.isOver;
  const { subjects, value, limit } = finding;
  const grave = severityOrder[finding.severity] < severityOrder[before.severity];
  const now: Incident = {
    ...before,
    ...{ subjects: subjects.slice(0, mostSubjects), subject_count: subjects.length, value, limit },
    severity: grave ? finding.severity : before.severity,
    worst: worse(rule.rule, before.worst, value),
    detail: finding.detail ?? before.detail,
    flaps: before.flaps + (isBack ? 1 : 0),
  };
  const change = changeOf(state.told ?? before, now, nowUs);
  const incident = change === null ? now : { ...now, changed_us: nowUs };
  const isOver = finding.overUs !== undefined;
  const gone = finding.overUs === undefined ? null : { atUs: finding.overUs, knownUs: finding.overUs };
  const told = change === null ? state.told : incident;
  return {
    state: { ...state, incident, told, gone, isOver, isSeen: true },
    change: change === null ? null : { incident, change },
  };
}

/** Its cause is gone: it ends when it has been for long enough. */
function leave(state: RuleState, at: Moment): { state: RuleState; change: Change | null } {
  const { nowUs, rule, settings } = at;
  const gone = state.gone ?? { atUs: state.isSeen ? nowUs : state.heldUs, knownUs: nowUs };
  const times = (state.incident?.flaps ?? 0) + state.ended.length;
  const clearUs = settings.clear_s * 1e6;
  const neededUs = state.isOver ? 0 : Math.max(clearUs, Math.min(longestClearUs, clearUs * 2 ** Math.min(times, 12)));
  const waitsUs = at.isRefetching && (rule.costs?.length ?? 0) > 0 ? refetchUs : 0;
  if (nowUs - gone.knownUs < neededUs + waitsUs) return { state: { ...state, gone }, change: null };
  return end(state, gone.atUs, nowUs);
}

function worse(rule: IncidentRule, before: number | null, now: number | null): number | null {
  if (before === null || now === null) return before ?? now;
  return ruleFacts[rule].lessIsWorse ? Math.min(before, now) : Math.max(before, now);
}

/** What is worth telling about an incident that was last told as it was then, or null. */
function changeOf(told: Incident, now: Incident, nowUs: number): "worse" | "changed" | null {
  if (now.severity === "critical" && told.severity !== "critical") return "worse";
  if (now.subject_count > told.subject_count && now.subject_count >= 2 * told.subject_count) return "worse";
  if (nowUs - told.changed_us < changeUs) return null;
  const isOther =
    now.flaps !== told.flaps ||
    now.records_lost !== told.records_lost ||
    now.subject_count !== told.subject_count ||
    now.subjects.some((subject, n) => subject !== told.subjects[n]) ||
    now.detail !== told.detail;
  return isOther || isMoved(told, now) ? "changed" : null;
}

/** How long something lasts grows by itself and is no news; only that it has doubled is. */
function isMoved({ rule, value: before }: Incident, { value }: Incident): boolean {
  if (before === null || value === null) return before !== value;
  const { unit, lessIsWorse } = ruleFacts[rule];
  const part = unit === "s" && !lessIsWorse ? 1 : changePart;
  return Math.abs(value - before) > part * Math.abs(before);
}
