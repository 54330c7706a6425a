import type { Incident } from "./incident.ts";

/** Rules whose subjects begin with a symbol. The subjects of other rules are hosts, disks, buckets or parts of the program. */
const rulesAboutSymbols: readonly Incident["rule"][] = ["stale", "delay", "gap", "symbol_unknown"];

/** Returns the symbol of an incident that concerns exactly one symbol (`BTCUSDT`, or its stream `BTCUSDT depth20`); otherwise null. */
export function onlySymbol(incident: Pick<Incident, "rule" | "subjects" | "subject_count">): string | null {
  const { rule, subjects, subject_count } = incident;
  if (!rulesAboutSymbols.includes(rule) || subject_count > subjects.length) return null;
  const [symbol, ...others] = new Set(subjects.map((subject) => subject.split(" ")[0] ?? ""));
  return symbol === undefined || symbol === "" || others.length > 0 ? null : symbol;
}
