import type { Gap } from "../../domain/gap.ts";
import type { Stream } from "../../domain/stream.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";
import type { Downtime } from "../../recorder/recover/downtime.ts";
import type { GapLedger } from "../../recorder/write/gap-ledger.ts";
import type { SteadyOffset } from "../time/time-authority.ts";

/** When runs before this one received last, µs. */
type Runs = readonly { readonly last_recv_us: number | null }[];

/** Holds gaps whose end was stamped by a clock that nobody has confirmed yet. */
export type TimedGaps = {
  /** `write` gets the gap with its true end: at once if it is plausible, else when the exchange has told its time. */
  hold(gap: Gap, write: (gap: Gap) => void): void;
  /**
   * The same of the pauses before this run, of which the first second is written at once, so that no crash hides it. A pause that seems
   * to begin in the future follows a run whose clock was ahead: it begins with the newest receipt that lies in the past.
   */
  holdDown(downtimes: ReadonlyMap<Stream, Downtime>, runs: Runs, ledger: Pick<GapLedger, "add" | "update">): void;
  /** Call it once a second. */
  look(): void;
  /** Writes what is held as it is: the exchange was not reached. */
  flush(): void;
};

/** A clock that is off by less is believed, µs. */
const exactUs = 2_000_000;

/** A pause that seems shorter is believed at once, µs: nothing that depends on it has to wait for the exchange. */
const plausibleUs = 600_000_000;

/** The exchange is waited for so long, in looks. */
const mostLooks = 60;

/**
 * The pause before a run ends with its first record, which a clock that is wrong at boot files hours away; the gap would be as much
 * too long, or have no length. `offset`: steady time minus the exchange's, null while unknown.
 */
export function createTimedGaps(deps: {
  clock: ReceiveClock;
  startedUs: number;
  offset: () => SteadyOffset | null;
}): TimedGaps {
  const { clock } = deps;
  const startedSteadyUs = clock.steadyOf(deps.startedUs);
  let held: { gap: Gap; toSteadyUs: number; looks: number; write: (gap: Gap) => void }[] = [];

  /** Both ends are of this run where the beginning is not earlier than its start. */
  function corrected(gap: Gap, toSteadyUs: number, { us, boundUs }: SteadyOffset): Gap {
    const errorUs = gap.to_us - Math.round(toSteadyUs - us);
    if (Math.abs(errorUs) <= exactUs + boundUs) return gap;
    const to_us = gap.to_us - errorUs;
    const isOwn = gap.from_us >= deps.startedUs && gap.from_us <= gap.to_us;
    return {
      ...gap,
      to_us,
      from_us: isOwn ? Math.max(gap.from_us - errorUs, Math.round(startedSteadyUs - us)) : gap.from_us,
    };
  }

  function settle(isEnd: boolean): void {
    const offset = deps.offset();
    const all = held;
    held = [];
    for (const one of all) {
      if (offset !== null) one.write(corrected(one.gap, one.toSteadyUs, offset));
      else if (isEnd || ++one.looks > mostLooks) one.write(one.gap);
      else held.push(one);
    }
  }

  function hold(gap: Gap, write: (gap: Gap) => void): void {
    const lengthUs = gap.to_us - gap.from_us;
    // A wrong clock would hardly make so short a pause.
    if (deps.offset() === null && lengthUs > 0 && lengthUs < plausibleUs) {
      write(gap);
      return;
    }
    held.push({ gap, toSteadyUs: clock.steadyOf(gap.to_us), looks: 0, write });
    settle(false);
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
    look: () => settle(false),
    flush: () => settle(true),
  };
}
