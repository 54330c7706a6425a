import type { GapCause } from "../../server/gap.ts";
import { t } from "./i18n.ts";
import type { Words } from "./words-en.ts";

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
