import type { AlertSettings } from "../../config/alert-keys.ts";
import type { Gap, GapCause } from "../../domain/gap.ts";
import type { Incident, IncidentRule, IncidentSeverity } from "../../domain/incident.ts";
import type { Observation } from "../observation.ts";

/** What a rule finds wrong at one moment. */
export type RuleFinding = {
  readonly severity: IncidentSeverity;
  readonly subjects: readonly string[];
  readonly value: number | null;
  readonly limit: number | null;
  readonly detail: string | null;
  /** When it began, µs, where that is known better than by looking. */
  readonly fromUs?: number | null;
  /** It is over already, since then, µs; it is only told of. */
  readonly overUs?: number;
  /** It has lasted long enough by the rule's own judgement. */
  readonly isHeld?: boolean;
  /** Only a part of what the rule watches: nothing else follows from it, so no other rule keeps silent for it. */
  readonly isPartial?: boolean;
};

/** What a rule looks at. */
export type Look<R extends IncidentRule = IncidentRule> = {
  readonly seen: Observation;
  readonly nowUs: number;
  readonly settings: AlertSettings[R];
  /** It is being watched already, or is an incident: it takes less to stay one than to become one. */
  readonly isRaised: boolean;
  readonly open: Incident | null;
  /** What was before does not count: a start, a sleep of the machine, the end of what it was a consequence of; µs. */
  readonly sinceUs: number;
  /** An incident of one of the parents tells of this gap. */
  readonly isTold: (gap: Gap) => boolean;
};

/** One rule of the table. A "unknown" leaves everything as it is. */
export type Rule<R extends IncidentRule = IncidentRule> = {
  readonly rule: R;
  /** While one of these is found, this one is kept silent. They come earlier in the table. */
  readonly parents: readonly IncidentRule[];
  /** Gaps of these causes, while it lasts, are what it costs. */
  readonly costs?: readonly GapCause[];
  find(look: Look<R>): RuleFinding | null | "unknown";
};

/** A rule as the table holds it: it picks its own settings. */
export type TableRule = Omit<Rule, "find"> & {
  find(look: Omit<Look, "settings">, settings: AlertSettings): RuleFinding | null | "unknown";
};

/** Puts a rule into the table. */
export function inTable<R extends IncidentRule>(rule: Rule<R>): TableRule {
  return { ...rule, find: (look, settings) => rule.find({ ...look, settings: settings[rule.rule] }) };
}
