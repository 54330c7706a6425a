import type { Gap } from "../../domain/gap.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ClockStep, ReceiveClock } from "../../platform/time/receive-clock.ts";
import type { SteadyOffset } from "./time-authority.ts";

/** Records when this machine's clock was set, and how long it was wrong. */
export type ClockWatch = {
  /** Call it once a second, so that it sees a step even while no data arrives. */
  tick(): void;
  /** Returns how often the wall clock was set since the start. */
  steps(): number;
  /** Returns one gap per stream for the true time since the clock became wrong; empty while it is right. */
  openGaps(): readonly Gap[];
};

/** The parts that a clock watch uses. */
export type ClockWatchDeps = {
  readonly clock: ReceiveClock;
  /** Steady time minus exchange time; null while unknown. */
  readonly offset: () => SteadyOffset | null;
  readonly streams: () => readonly Stream[];
  /** Closes all segments, because the stamps of new records do not continue the stamps of earlier records. */
  readonly onStep: (byUs: number) => void;
  readonly saveGaps: (gaps: readonly Gap[]) => void;
  /** Updates gaps that are still open. */
  readonly updateGaps: (gaps: readonly Gap[]) => void;
  readonly log: Log;
};

/** Tolerated clock error, µs. */
const wrongUs = 2_000_000;

/** With a larger error records are filed under a wrong time, so their stamps are recorded as a gap as well, µs. */
const farUs = 60_000_000;

const mostUnjudged = 100;

/** How often an open gap is saved, s. */
const saveOpenEvery = 10;

/** Limit of logged steps within `loggedWithinUs`, µs. All steps are recorded. */
const mostLogged = 5;
const loggedWithinUs = 600_000_000;

const fightHint =
  "two programs set the clock in turns (chronyd, systemd-timesyncd, ntpd, or virtual machine tools): disable all but one; for ten minutes further steps are counted but not logged";

const hint =
  "see timedatectl; if the clock is off by whole hours, the hardware clock may hold local time: timedatectl set-local-rtc 0";

/**
 * Creates the clock watch. Records received under a wrong clock are kept, under the time that the clock showed. Each stream gets two
 * gaps of cause "clock", in which no record is missing:
 *
 * | gap | from, to |
 * |---|---|
 * | true time | in which the clock was wrong |
 * | wrong stamps | that the clock gave (only if the error exceeds `farUs`) |
 *
 * A small step between two nearly right times is one gap, as long as the step.
 */
export function createClockWatch(deps: ClockWatchDeps): ClockWatch {
  const { clock, log } = deps;
  /** Since when the clock is wrong, in steady and in true time, µs; null while it is right or its error is unknown. */
  let wrong: { readonly steadyUs: number; readonly trueUs: number; readonly isFar: boolean } | null = null;
  /** When the clock was last set, steady µs. */
  let beganUs = clock.steadyUs();
  let count = 0;
  let looks = 0;
  const newSteps: ClockStep[] = [];
  /** When recent steps were logged, steady µs; `notLogged` counts steps since then that were not logged. */
  const loggedUs: number[] = [];
  let notLogged = 0;
  /** Steps that wait for the exchange's time. */
  const unjudged: ClockStep[] = [];

  clock.onStep((step) => {
    count++;
    deps.onStep(step.toUs - step.fromUs);
    newSteps.push(step);
  });

  /** Returns stamp minus true time, µs; null while unknown. */
  function errorAt(us: number, stampUs: number): number | null {
    const offset = deps.offset();
    return offset === null ? null : stampUs - (us - offset.us);
  }

  /** Tells whether an error exceeds the tolerance and the uncertainty of the measured offset. */
  function isWrong(errorUs: number): boolean {
    return Math.abs(errorUs) > wrongUs + (deps.offset()?.boundUs ?? 0);
  }

  /** Records the second around an unjudged step at once, so that a crash cannot hide it. */
  function recordStep(step: ClockStep): void {
    const before = errorAt(step.atUs, step.fromUs);
    const after = errorAt(step.atUs, step.toUs);
    logStep(step, before, after);
    if (after === null) recordGaps([gapOf(step.fromUs - 1e6, step.fromUs), gapOf(step.toUs, step.toUs + 1e6)]);
    unjudged.push(step);
    if (unjudged.length > mostUnjudged) unjudged.shift();
  }

  /** Logs a step, at a limited rate: two programs that set the clock in turns may do so every few seconds. */
  function logStep(step: ClockStep, before: number | null, after: number | null): void {
    while (step.atUs - (loggedUs[0] ?? step.atUs) > loggedWithinUs) loggedUs.shift();
    if (loggedUs.length >= mostLogged) {
      notLogged++;
      return;
    }
    loggedUs.push(step.atUs);
    const isLast = loggedUs.length === mostLogged;
    log.warn("this machine's clock was set; open segments are closed, and recording goes on with the new time", {
      step_s: (step.toUs - step.fromUs) / 1e6,
      off_before_s: before === null ? undefined : Math.round(before / 1e5) / 10,
      off_now_s: after === null ? undefined : Math.round(after / 1e5) / 10,
      ...(notLogged > 0 && { more_since_the_last_line: notLogged }),
      ...(isLast ? { hint: fightHint } : after !== null && isWrong(after) && { hint }),
    });
    notLogged = 0;
  }

  function checkStep(step: ClockStep): void {
    const byUs = step.toUs - step.fromUs;
    const before = errorAt(step.atUs, step.fromUs) ?? 0;
    const wasRight = !isWrong(before);
    if (isWrong(errorAt(step.atUs, step.toUs) ?? 0)) beginWrong(wasRight ? step.atUs : beganUs, before + byUs);
    else {
      if (!wasRight) beginWrong(beganUs, before);
      const fromUs = wrong?.trueUs ?? step.toUs - Math.abs(byUs);
      recordGaps([gapOf(fromUs, step.toUs), ...stampsUntil(step.atUs)]);
      wrong = null;
    }
    beganUs = step.atUs;
  }

  function beginWrong(steadyUs: number, errorUs: number): void {
    if (wrong !== null) return;
    wrong = { steadyUs, trueUs: steadyUs - (deps.offset()?.us ?? 0), isFar: Math.abs(errorUs) > farUs };
    deps.updateGaps(openGaps());
  }

  /** Returns the stamps that the wrong clock gave, as gaps; empty unless the error is large. */
  function stampsUntil(steadyUs: number): readonly Span[] {
    if (wrong === null || !wrong.isFar) return [];
    return clock.spansOf(wrong.steadyUs + 1, steadyUs).map(({ fromUs, toUs }) => gapOf(fromUs, toUs));
  }

  function recordGaps(spans: readonly Span[]): void {
    deps.saveGaps(gapsOfAllStreams(spans));
  }

  function gapsOfAllStreams(spans: readonly Span[]): readonly Gap[] {
    return deps.streams().flatMap((stream) => spans.map((span) => ({ ...keyOf(stream), ...span })));
  }

  function openGaps(): readonly Gap[] {
    if (wrong === null) return [];
    const nowUs = clock.steadyUs();
    return gapsOfAllStreams([gapOf(wrong.trueUs, wrong.trueUs + nowUs - wrong.steadyUs), ...stampsUntil(nowUs)]);
  }

  return {
    tick() {
      const nowUs = clock.steadyUs();
      for (const step of newSteps.splice(0)) recordStep(step);
      if (deps.offset() !== null) for (const step of unjudged.splice(0)) checkStep(step);
      if (++looks % saveOpenEvery === 0) deps.updateGaps(openGaps());
      if (wrong !== null) return;
      const error = errorAt(nowUs, clock.stampOf(nowUs));
      if (error === null || !isWrong(error)) return;
      beginWrong(beganUs, error);
      const side = error > 0 ? "ahead of" : "behind";
      log.warn(`this machine's clock is ${side} the exchange's; deleting and merging wait until it is right`, {
        off_s: Math.round(error / 1e5) / 10,
        hint,
      });
    },
    steps: () => count,
    openGaps,
  };
}

type Span = ReturnType<typeof gapOf>;

function gapOf(fromUs: number, toUs: number) {
  const [from_us, to_us] = [Math.round(fromUs), Math.round(toUs)];
  return { from_us, to_us, cause: "clock" as const, missing: 0, repaired: 0 };
}

function keyOf({ type, symbol }: Stream) {
  return { stream: type.folder, symbol };
}
