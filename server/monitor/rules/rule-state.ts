import type { AlertSettings } from "../../config/alert-keys.ts";
import type { Incident, IncidentChange } from "../../domain/incidents/incident.ts";
import { type IncidentRule, ruleFacts, severityOrder } from "../../domain/incidents/incident-rules.ts";
import { backoff } from "../../platform/time/backoff.ts";
import type { RuleFinding } from "./rule.ts";
import type { Rule } from "./rules.ts";

/** State of one rule between two evaluations. */
export type RuleState = {
  /** Since when the problem is present without a break, µs, before it becomes an incident. */
  readonly seenUs: number | null;
  /** Start of the hold time at the earliest, µs: the start of the run, or the end of a parent's problem. */
  readonly heldUs: number;
  readonly incident: Incident | null;
  /** The incident as last reported. */
  readonly reported: Incident | null;
  /** Since when the cause is gone (`atUs`), and since when this is known (`knownUs`), µs. */
  readonly gone: { readonly atUs: number; readonly knownUs: number } | null;
  /** True if the reported event was already over. The rule itself then decides how long the incident stays open. */
  readonly isOver: boolean;
  /** True if the cause was seen in this run. Otherwise it may have ended before this run. */
  readonly isSeen: boolean;
  /** Recently ended incidents, oldest first. */
  readonly ended: readonly Incident[];
};

/** A change of an incident. */
export type Change = { readonly incident: Incident; readonly change: IncidentChange };

type Moment = {
  readonly rule: Rule;
  readonly settings: AlertSettings[IncidentRule];
  readonly nowUs: number;
  /** An id that no incident has had. */
  readonly nextId: number;
  /** True while missing trades are being backfilled. Closing then waits a little for the final cost. */
  readonly isBackfilling: boolean;
};

/** Most subjects listed. Beyond this only their number is known. */
export const mostSubjects = 50;

/** How long ended incidents count, µs. A problem that returns within this time takes longer to close. */
const memoryUs = 2 * 3_600_000_000;
const maxEnded = 20;

/** Longest clear time, µs, however often the problem came and went. */
const longestClearUs = 1_800_000_000;

/** Longest wait for a backfill, µs. */
const backfillWaitUs = 60_000_000;

/** A change of figures is reported at most once a minute, and only if it is at least this large a part. */
const changeUs = 60_000_000;
const changePart = 0.2;

/** Creates the initial state of a rule. `heldUs` is the start of the run. */
export function freshState(heldUs: number): RuleState {
  return {
    seenUs: null,
    heldUs,
    incident: null,
    reported: null,
    gone: null,
    isOver: false,
    isSeen: false,
    ended: [],
  };
}

/** Advances a rule by one finding. */
export function step(
  state: RuleState,
  finding: RuleFinding | null,
  at: Moment,
): { state: RuleState; change: Change | null } {
  const { nowUs } = at;
  const ended = state.ended.filter(({ to_us }) => nowUs - (to_us ?? 0) < memoryUs).slice(-maxEnded);
  const known = ended.length === state.ended.length ? state : { ...state, ended };
  if (finding === null) return state.incident === null ? { state: unseen(known), change: null } : waitForEnd(known, at);
  if (state.incident !== null) return update(known, state.incident, finding, at);
  const seenUs = state.seenUs ?? nowUs;
  const fromUs = finding.overUs === undefined ? (finding.fromUs ?? seenUs) : seenUs;
  const isLong = nowUs - Math.max(fromUs, state.heldUs) >= at.settings.hold_s * 1e6;
  if (!isLong && !finding.isHeld) return { state: { ...known, seenUs }, change: null };
  return open({ ...known, seenUs }, finding, at);
}

/** Closes the incident of a rule at once. */
export function end(state: RuleState, toUs: number, nowUs: number): { state: RuleState; change: Change | null } {
  if (state.incident === null) return { state, change: null };
  const to_us = Math.max(toUs, state.incident.from_us);
  const lasted = Math.round((to_us - state.incident.from_us) / 1e6);
  const { figureIsAge } = ruleFacts[state.incident.rule];
  const incident = {
    ...state.incident,
    ...(figureIsAge ? { value: lasted, worst: lasted } : {}),
    to_us,
    changed_us: nowUs,
  };
  const ended = [...state.ended, incident].slice(-maxEnded);
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
    id: nextId,
    rule: rule.rule,
    severity,
    from_us: finding.fromUs ?? state.seenUs ?? nowUs,
    to_us: null,
    changed_us: nowUs,
    subjects: subjects.slice(0, mostSubjects),
    subject_count: subjects.length,
    value,
    worst: value,
    limit,
    detail,
    records_lost: null,
    records_lost_estimate: null,
    flaps: 0,
    acknowledged: null,
  };
  const isOver = finding.overUs !== undefined;
  const gone = finding.overUs === undefined ? null : { atUs: finding.overUs, knownUs: finding.overUs };
  const next = { ...state, incident, reported: incident, isSeen: true, isOver, gone };
  return { state: next, change: { incident, change: "opened" as const } };
}

function update(state: RuleState, before: Incident, finding: RuleFinding, { nowUs, rule }: Moment) {
  const isBack = state.gone !== null && !state.isOver;
  const { subjects, value, limit } = finding;
  const isMoreSevere = severityOrder[finding.severity] < severityOrder[before.severity];
  const now: Incident = {
    ...before,
    subjects: subjects.slice(0, mostSubjects),
    subject_count: subjects.length,
    value,
    limit,
    severity: isMoreSevere ? finding.severity : before.severity,
    worst: worse(rule.rule, before.worst, value),
    // A detail about other subjects would mislead.
    detail: finding.detail ?? (isAboutSame(before, finding) ? before.detail : null),
    flaps: before.flaps + (isBack ? 1 : 0),
  };
  const change = changeOf(state.reported ?? before, now, nowUs);
  const incident = change === null ? now : { ...now, changed_us: nowUs };
  const isOver = finding.overUs !== undefined;
  const gone = finding.overUs === undefined ? null : { atUs: finding.overUs, knownUs: finding.overUs };
  const reported = change === null ? state.reported : incident;
  return {
    state: { ...state, incident, reported, gone, isOver, isSeen: true },
    change: change === null ? null : { incident, change },
  };
}

function isAboutSame(before: Incident, { subjects }: RuleFinding): boolean {
  return before.subject_count === subjects.length && before.subjects.every((subject, n) => subject === subjects[n]);
}

/** Handles an open incident whose cause is gone: closes it after the clear time. */
function waitForEnd(state: RuleState, at: Moment): { state: RuleState; change: Change | null } {
  const { nowUs, rule, settings } = at;
  const gone = state.gone ?? { atUs: state.isSeen ? nowUs : state.heldUs, knownUs: nowUs };
  const times = (state.incident?.flaps ?? 0) + state.ended.length;
  const clearUs = settings.clear_s * 1e6;
  const growing = { first: clearUs, longest: Math.max(clearUs, longestClearUs) };
  const neededUs = state.isOver ? 0 : backoff(growing, times);
  const waitsUs = at.isBackfilling && rule.costs.length > 0 ? backfillWaitUs : 0;
  if (nowUs - gone.knownUs < neededUs + waitsUs) return { state: { ...state, gone }, change: null };
  return end(state, gone.atUs, nowUs);
}

function worse(rule: IncidentRule, before: number | null, now: number | null): number | null {
  if (before === null || now === null) return before ?? now;
  return ruleFacts[rule].lessIsWorse ? Math.min(before, now) : Math.max(before, now);
}

/** Returns the change worth reporting since the incident was last reported, or null. */
function changeOf(reported: Incident, now: Incident, nowUs: number): "worse" | "changed" | null {
  if (now.severity === "critical" && reported.severity !== "critical") return "worse";
  if (now.subject_count > reported.subject_count && now.subject_count >= 2 * reported.subject_count) return "worse";
  if (nowUs - reported.changed_us < changeUs) return null;
  const isDifferent =
    now.flaps !== reported.flaps ||
    now.records_lost !== reported.records_lost ||
    now.subject_count !== reported.subject_count ||
    now.subjects.some((subject, n) => subject !== reported.subjects[n]) ||
    now.detail !== reported.detail;
  return isDifferent || isMoved(reported, now) ? "changed" : null;
}

/** Tests for a notable change of the figure. The age of an incident grows by itself, so only doubling counts. */
function isMoved({ rule, value: before }: Incident, { value }: Incident): boolean {
  if (before === null || value === null) return before !== value;
  const { unit, lessIsWorse } = ruleFacts[rule];
  const part = unit === "s" && !lessIsWorse ? 1 : changePart;
  return Math.abs(value - before) > part * Math.abs(before);
}
