import type { GapCause } from "./gap.ts";

/** Every cause once. */
const all: Record<GapCause, true> = {
  reconnect: true,
  silent: true,
  serverShutdown: true,
  exchange_down: true,
  missing: true,
  overflow: true,
  disk: true,
  latency: true,
  host_asleep: true,
  restart: true,
  crash: true,
  halted: true,
  not_configured: true,
  clock: true,
};

/** Causes of gaps, for those who ask for one. */
export const gapCauses = Object.keys(all) as readonly GapCause[];
