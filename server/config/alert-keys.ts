import {
  type IncidentRule,
  type RuleSetting,
  type RuleSettings,
  ruleFacts,
} from "../domain/incidents/incident-rules.ts";
import { type ConfigKey, key, type ValuesOf } from "./sources.ts";
import { flag, integer, number } from "./values.ts";

type AlertKeys = {
  readonly [R in IncidentRule]: { readonly enabled: ConfigKey<boolean> } & {
    readonly [Name in keyof RuleSettings[R]]: ConfigKey<number>;
  };
};

/** The keys of `[alerts.<rule>]`, built from the rule facts. ops/rt-data.example.toml documents them. */
export const alertKeys = Object.fromEntries(
  Object.entries(ruleFacts).map(([rule, { settings }]) => {
    const numbers = Object.entries(settings).map(([name, setting]) => [name, numberKey(setting)]);
    return [rule, { enabled: key(flag, true), ...Object.fromEntries(numbers) }];
  }),
) as AlertKeys;

/** The validated settings of every rule. */
export type AlertSettings = ValuesOf<AlertKeys>;

function numberKey({ fallback, min, max, isWhole }: RuleSetting): ConfigKey<number> {
  return key((isWhole ? integer : number)(min, max), fallback);
}
