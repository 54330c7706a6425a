import type { Gap } from "../../domain/gap.ts";
import type { Stream } from "../../domain/stream.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";
import type { Downtime } from "../../recorder/recover/downtime.ts";
import type { GapLedger } from "../../recorder/write/gap-ledger.ts";
import type { SteadyOffset } from "../time/time-authority.ts";

/** The newest receipt of each earlier run, µs; null if it received no record. */
type Runs = readonly { readonly last_recv_us: number | null }[];

/** Holds gaps whose end carries the stamp of an unconfirmed clock. */
export type TimedGaps = {
  /** Calls `write` with the true end of the gap: at once if the end is plausible, else once the exchange's time is known. */
  hold(gap: Gap, write: (gap: Gap) => void): void;
  /**
   * Holds the pauses before this run. Their first second is recorded at once, so that a crash cannot hide them. A pause that seems to begin
   * in the future follows a run whose clock was ahead: it then begins at the newest receipt that lies in the past.
   */
  holdDown(downtimes: ReadonlyMap<Stream, Downtime>, runs: Runs, ledger: Pick<GapLedger, "add" | "update">): void;
  /** Call it once a second. */
  tick(): void;
  /** Writes all held gaps uncorrected, as the exchange could not be reached. */
  flush(): void;
};

/** Tolerated clock error, µs. A smaller error is not corrected. */
const exactUs = 2_000_000;

/** A shorter pause is believed at once, µs, so that its backfill need not wait for the exchange's time. */
const plausibleUs = 600_000_000;

/** A gap waits this many calls of `tick` for the exchange's time. */
const mostLooks = 60;

/**
 * Creates the holder. The pause before a run ends at its first record. A clock that is wrong at boot may stamp that record hours off;
 * the gap would be too long by as much, or would have no length. `offset`: steady time minus exchange time; null while unknown.
 */
export function createTimedGaps(deps: {
  clock: ReceiveClock;
  startedUs: number;
  offset: () => SteadyOffset | null;
}): TimedGaps {
  const { clock } = deps;
  const startedSteadyUs = clock.steadyOf(deps.startedUs);
  let held: { gap: Gap; toSteadyUs: number; looks: number; write: (gap: Gap) => void }[] = [];

  /** Corrects the end; the start as well, if it lies in this run and so has the same error. */
  function corrected(gap: Gap, toSteadyUs: number, { us, boundUs }: SteadyOffset): Gap {
    const errorUs = gap.to_us - Math.round(toSteadyUs - us);
    if (Math.abs(errorUs) <= exactUs + boundUs) return gap;
    const to_us = gap.to_us - errorUs;
    const isOfThisRun = gap.from_us >= deps.startedUs && gap.from_us <= gap.to_us;
    return {
      ...gap,
      to_us,
      from_us: isOfThisRun ? Math.max(gap.from_us - errorUs, Math.round(startedSteadyUs - us)) : gap.from_us,
    };
  }

  function writeDue(isEnd: boolean): void {
    const offset = deps.offset();
    const waiting = held;
    held = [];
    for (const entry of waiting) {
      if (offset !== null) entry.write(corrected(entry.gap, entry.toSteadyUs, offset));
      else if (isEnd || ++entry.looks > mostLooks) entry.write(entry.gap);
      else held.push(entry);
    }
  }

  function hold(gap: Gap, write: (gap: Gap) => void): void {
    const lengthUs = gap.to_us - gap.from_us;
    // A wrong clock hardly produces such a short pause.
    if (deps.offset() === null && lengthUs > 0 && lengthUs < plausibleUs) {
      write(gap);
      return;
    }
    held.push({ gap, toSteadyUs: clock.steadyOf(gap.to_us), looks: 0, write });
    writeDue(false);
  }

  return {
    hold,
    holdDown(downtimes, runs, ledger) {
      for (const [{ type, symbol }, { fromUs, cause }] of downtimes) {
        const span = { from_us: fromUs, to_us: deps.startedUs, cause, missing: null, repaired: 0 };
        const gap = { stream: type.folder, symbol, ...span };
        ledger.add([{ ...gap, to_us: Math.min(gap.to_us, fromUs + 1e6) }]);
        hold(gap, (known) => {
          const ends = runs.map(({ last_recv_us }) => last_recv_us ?? 0).filter((us) => us < known.to_us);
          const from_us = known.from_us < known.to_us ? known.from_us : Math.max(0, ...ends);
          if (from_us > 0) ledger.update([{ ...known, from_us }]);
        });
      }
    },
    tick: () => writeDue(false),
    flush: () => writeDue(true),
  };
}
