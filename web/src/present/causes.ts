import type { GapCause } from "../../../server/domain/gap.ts";
import type { Words } from "../words/common-en.ts";
import { t } from "../words/i18n.ts";

const words: Record<GapCause, keyof Words> = {
  reconnect: "causeReconnect",
  silent: "causeSilent",
  serverShutdown: "causeServerShutdown",
  exchange_down: "causeExchangeDown",
  missing: "causeMissing",
  overflow: "causeOverflow",
  disk: "causeDisk",
  latency: "causeLatency",
  host_asleep: "causeHostAsleep",
  restart: "causeRestart",
  crash: "causeCrash",
  halted: "causeHalted",
  not_configured: "causeNotConfigured",
  clock: "causeClock",
};

/** Every cause of a gap, in the order in which they are offered. */
export const causes = Object.keys(words) as readonly GapCause[];

/** A gap's cause in words. */
export function causeWord(cause: GapCause): string {
  return t(words[cause]);
}
