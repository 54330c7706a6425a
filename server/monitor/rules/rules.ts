import type { IncidentRule } from "../../domain/incident.ts";
import { delay, disconnected, reconnectStorm, stale } from "./feed-rules.ts";
import { clockOffset, cpu, diskForecast, diskLow, memory, writeError } from "./machine-rules.ts";
import { inTable, type TableRule } from "./rule.ts";
import { gap } from "./rule-gap.ts";
import {
  backlog,
  catalogueAway,
  crashRecovered,
  fault,
  publicUrl,
  retention,
  symbolUnknown,
  upload,
  uploadObject,
  verifyFailed,
} from "./work-rules.ts";

/** Every rule once, parents before their children. */
export const rules: readonly TableRule[] = [
  inTable(disconnected),
  inTable(writeError),
  inTable(crashRecovered),
  inTable(diskLow),
  inTable(diskForecast),
  inTable(reconnectStorm),
  inTable(stale),
  inTable(delay),
  inTable(clockOffset),
  inTable(gap),
  inTable(memory),
  inTable(cpu),
  inTable(backlog),
  inTable(fault),
  inTable(verifyFailed),
  inTable(catalogueAway),
  inTable(retention),
  inTable(symbolUnknown),
  inTable(upload),
  inTable(uploadObject),
  inTable(publicUrl),
];

/** The entry of a rule. */
export function ruleOf(name: IncidentRule): TableRule {
  const found = rules.find(({ rule }) => rule === name);
  if (found === undefined) throw new Error(`no rule ${name}`);
  return found;
}
