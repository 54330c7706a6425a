import type { AlertSettings } from "../../config/alert-keys.ts";
import { type IncidentRule, incidentRules, type RuleFacts, ruleFacts } from "../../domain/incidents/incident-rules.ts";
import { feedRules } from "./feed-rules.ts";
import { machineRules } from "./machine-rules.ts";
import type { Look, RuleFinding, RuleTable } from "./rule.ts";
import { gap } from "./rule-gap.ts";
import { workRules } from "./work-rules.ts";

/** A rule that can be evaluated and selects its own settings. */
export type Rule = Pick<RuleFacts, "costs"> & {
  readonly rule: IncidentRule;
  readonly parents: readonly IncidentRule[];
  find(look: Omit<Look, "settings">, settings: AlertSettings): RuleFinding | null | "unknown";
};

const table: RuleTable = { ...feedRules, ...machineRules, ...workRules, gap };

/** Every rule once, parents before their children. */
export const rules: readonly Rule[] = incidentRules.map(ruleOf);

function ruleOf<R extends IncidentRule>(rule: R): Rule {
  const { parents = [], costs } = ruleFacts[rule];
  const find = table[rule];
  return { rule, parents, costs, find: (look, settings) => find({ ...look, settings: settings[rule] }) };
}
