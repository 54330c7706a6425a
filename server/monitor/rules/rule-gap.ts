import { awaitsBackfill, type Gap } from "../../domain/gap.ts";
import type { FindRule, Look } from "./rule.ts";

/** Gaps that no other incident tells of, and that are worth it. All of some minutes are one incident. */
export const gap: FindRule<"gap"> = (look) => {
  const told = look.seen.gaps.filter((one) => isWorthTelling(one, look));
  if (told.length === 0) return null;
  const length = (one: Gap) => (one.to_us - one.from_us) / 1e6;
  const causes = told.map(({ cause }): string => cause);
  // Those of the same incident that are no longer looked at stay named.
  const { subjects = [], detail } = look.open ?? {};
  return {
    severity: "warning",
    subjects: [...new Set([...subjects, ...told.map(nameOf)])].sort(),
    value: Math.round(Math.max(...told.map(length)) * 10) / 10,
    limit: look.settings.warning_s,
    detail: [...new Set([...(detail?.split(", ") ?? []), ...causes])].sort().join(", "),
    fromUs: Math.min(...told.map(({ from_us }) => from_us)),
    overUs: Math.max(...told.map(({ to_us }) => to_us)),
  };
};

function nameOf({ symbol, stream }: Gap): string {
  return `${symbol} ${stream}`;
}

/**
 * Something is missing for good, and enough of it. What a symbol's halt leaves open is nobody's loss, a short restart is somebody's
 * own doing, and of a crash, a late or a full machine others tell.
 */
function isWorthTelling(one: Gap, { nowUs, settings, isTold }: Look<"gap">): boolean {
  if (!awaitsBackfill(one) || one.cause === "crash" || one.cause === "not_configured") return false;
  if (nowUs - one.to_us > (settings.hold_s + settings.clear_s) * 1e6) return false;
  const seconds = (one.to_us - one.from_us) / 1e6;
  const isLong = seconds >= (one.cause === "restart" ? settings.restart_s : settings.warning_s);
  const isMuch =
    one.cause !== "restart" && one.missing !== null && one.missing - one.repaired >= settings.warning_records;
  return (isLong || isMuch) && !isTold(one);
}
