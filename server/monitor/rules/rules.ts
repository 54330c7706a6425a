import type { AlertSettings } from "../../config/alert-keys.ts";
import type { GapCause } from "../../domain/gap.ts";
import type { Incident } from "../../domain/incidents/incident.ts";
import { type IncidentRule, incidentRules, ruleFacts } from "../../domain/incidents/incident-rules.ts";
import { feedRules } from "./feed-rules.ts";
import { machineRules } from "./machine-rules.ts";
import type { Look, RuleFinding, RuleTable } from "./rule.ts";
import { gap } from "./rule-gap.ts";
import { workRules } from "./work-rules.ts";

/** A rule that can be evaluated and selects its own settings. */
export type Rule = {
  readonly costs: readonly GapCause[];
  readonly rule: IncidentRule;
  /** Key of its state: the rule, and for gaps the rule and the cause. Each key has at most one open incident. */
  readonly key: string;
  readonly parents: readonly IncidentRule[];
  find(look: Omit<Look, "settings">, settings: AlertSettings): RuleFinding | null | "unknown";
};

const table: RuleTable = { ...feedRules, ...machineRules, ...workRules, gap };

/** Every rule, parents before their children. Gaps of different causes are different incidents, hence a rule for each cause. */
export const rules: readonly Rule[] = incidentRules.flatMap((rule) => (rule === "gap" ? gapRules() : [ruleOf(rule)]));

/** Returns the key of the rule that an incident belongs to. The detail of a gap's incident is its cause. */
export function stateKeyOf({ rule, detail }: Pick<Incident, "rule" | "detail">): string {
  if (rule !== "gap") return rule;
  const causes = detail?.split(", ") ?? [];
  return (rules.find(({ key }) => causes.some((cause) => key === gapKey(cause))) ?? gapRules()[0])?.key ?? rule;
}

function gapKey(cause: string): string {
  return `gap ${cause}`;
}

function gapRules(): readonly Rule[] {
  const all = ruleOf("gap");
  return (ruleFacts.gap.costs ?? []).map((cause) => ({
    ...all,
    key: gapKey(cause),
    costs: [cause],
    find(look, settings) {
      const gaps = look.seen.gaps.filter((seen) => seen.cause === cause);
      return all.find({ ...look, seen: { ...look.seen, gaps } }, settings);
    },
  }));
}

function ruleOf<R extends IncidentRule>(rule: R): Rule {
  const { parents = [], costs } = ruleFacts[rule];
  const find = table[rule];
  return {
    rule,
    key: rule,
    parents,
    costs: costs ?? [],
    find: (look, settings) => find({ ...look, settings: settings[rule] }),
  };
}
