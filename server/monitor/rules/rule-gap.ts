import { awaitsBackfill, type Gap } from "../../domain/gap.ts";
import type { FindRule, Look } from "./rule.ts";

/** Finds gaps that matter and that no other incident reports. All gaps of a cause within some minutes are one incident. */
export const gap: FindRule<"gap"> = (look) => {
  const reported = look.seen.gaps.filter((gap) => isWorthReporting(gap, look));
  if (reported.length === 0) return null;
  const length = (gap: Gap) => (gap.to_us - gap.from_us) / 1e6;
  const causes = reported.map(({ cause }): string => cause);
  // Gaps of the same incident that are no longer observed stay listed.
  const { subjects = [], detail } = look.open ?? {};
  return {
    severity: "warning",
    subjects: [...new Set([...subjects, ...reported.map(nameOf)])].sort(),
    value: Math.round(Math.max(...reported.map(length)) * 10) / 10,
    limit: look.settings.warning_s,
    detail: [...new Set([...(detail?.split(", ") ?? []), ...causes])].sort().join(", "),
    fromUs: Math.min(...reported.map(({ from_us }) => from_us)),
    overUs: Math.max(...reported.map(({ to_us }) => to_us)),
  };
};

function nameOf({ symbol, stream }: Gap): string {
  return `${symbol} ${stream}`;
}

/**
 * Tests whether records are missing for good, and enough of them.
 * A halt by the exchange is not a loss, and a short restart is intended. Crashes, delays and full disks are reported by other rules.
 */
function isWorthReporting(gap: Gap, { nowUs, settings, isTold }: Look<"gap">): boolean {
  if (!awaitsBackfill(gap) || gap.cause === "crash" || gap.cause === "not_configured") return false;
  if (nowUs - gap.to_us > (settings.hold_s + settings.clear_s) * 1e6) return false;
  const seconds = (gap.to_us - gap.from_us) / 1e6;
  const isLong = seconds >= (gap.cause === "restart" ? settings.restart_s : settings.warning_s);
  const isMuch =
    gap.cause !== "restart" && gap.missing !== null && gap.missing - gap.repaired >= settings.warning_records;
  return (isLong || isMuch) && !isTold(gap);
}
