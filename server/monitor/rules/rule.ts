import type { AlertSettings } from "../../config/alert-keys.ts";
import type { Gap } from "../../domain/gap.ts";
import type { Incident } from "../../domain/incidents/incident.ts";
import type { IncidentRule, SeverityOf } from "../../domain/incidents/incident-rules.ts";
import type { Observation } from "../observation.ts";

/** A problem that a rule finds at one moment. */
export type RuleFinding<R extends IncidentRule = IncidentRule> = {
  readonly severity: SeverityOf<R>;
  readonly subjects: readonly string[];
  readonly value: number | null;
  readonly limit: number | null;
  readonly detail: string | null;
  /** When the problem began, µs, if the rule knows better than the time of observation. */
  readonly fromUs?: number | null;
  /** When the problem ended, µs, if it is already over and only needs reporting. */
  readonly overUs?: number;
  /** True if the problem has lasted long enough by the rule's own judgement. */
  readonly isHeld?: boolean;
  /** True if the problem affects only a part of what the rule watches. Child rules then do not keep silent. */
  readonly isPartial?: boolean;
};

/** Input of a rule. */
export type Look<R extends IncidentRule = IncidentRule> = {
  readonly seen: Observation;
  readonly nowUs: number;
  readonly settings: AlertSettings[R];
  /** True if the problem is pending or open. Closing thresholds are lower than opening thresholds. */
  readonly isRaised: boolean;
  readonly open: Incident | null;
  /** Events before this time do not count, µs: the start, a sleep of the machine, the end of a parent's problem. */
  readonly sinceUs: number;
  /** Tests whether an incident of another rule reports this gap. */
  readonly isTold: (gap: Gap) => boolean;
};

/** Checks one rule. Null means no problem; "unknown" leaves the state as it is. */
export type FindRule<R extends IncidentRule = IncidentRule> = (look: Look<R>) => RuleFinding<R> | null | "unknown";

/** The check of each rule. A missing rule does not compile. */
export type RuleTable = { readonly [R in IncidentRule]: FindRule<R> };
