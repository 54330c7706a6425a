import type { Finding } from "./check-finding.ts";

const marks: Readonly<Record<Finding["state"], string>> = { ok: "✓", warning: "!", failed: "✗", skipped: "-" };

/** Names are short enough for this. */
const width = 20;

/** A finding for people: a line, and one more with what to do. */
export function findingLines({ check, state, detail, advice }: Finding): readonly string[] {
  const line = `${marks[state]} ${check.padEnd(width)} ${detail}`;
  return advice === undefined ? [line] : [line, `${" ".repeat(width + 2)} → ${advice}`];
}

/** "2 failed, 1 warning, 12 well" */
export function summaryOf(findings: readonly Finding[]): string {
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length;
  const [failures, warnings] = [count("failed"), count("warning")];
  const what = failures > 0 ? `${failures} failed` : "nothing failed";
  return `\n${what}${warnings > 0 ? `, ${warnings} to look at` : ""}, ${count("ok")} well`;
}
