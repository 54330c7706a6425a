import type { Gap } from "../../domain/gap.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ClockStep, ReceiveClock } from "../../platform/time/receive-clock.ts";
import type { SteadyOffset } from "./time-authority.ts";

/** Writes down when this machine's clock was set, and since when it was wrong. */
export type ClockWatch = {
  /** Call it once a second: a step is seen although nothing is received. */
  look(): void;
  /** How often the wall clock was set since the start. */
  steps(): number;
  /** While the clock is known to be wrong: the true time since then, for every stream. */
  openGaps(): readonly Gap[];
};

/** What a clock watch needs. */
export type ClockWatchDeps = {
  readonly clock: ReceiveClock;
  /** Steady time minus the exchange's; null while unknown. */
  readonly offset: () => SteadyOffset | null;
  readonly streams: () => readonly Stream[];
  /** Closes all segments: what comes now has other stamps. */
  readonly onStep: (byUs: number) => void;
  readonly saveGaps: (gaps: readonly Gap[]) => void;
  /** Updates gaps that are still open. */
  readonly updateGaps: (gaps: readonly Gap[]) => void;
  readonly log: Log;
};

/** A clock that is off by less is not wrong but inexact, µs. */
const wrongUs = 2_000_000;

/** A clock that is off by more files records where nobody looks for them: those stamps are written down as well, µs. */
const farUs = 60_000_000;

const mostUnjudged = 100;

/** How often a gap that is not over is written down, s. */
const noteOpenEvery = 10;

/** So many steps are told within this time, µs; all are written down. */
const mostTold = 5;
const toldWithinUs = 600_000_000;

const fightHint =
  "it is set again and again: two programs fight over it (chronyd, systemd-timesyncd, ntpd, the tools of a virtual machine); leave one of them; further steps are counted, not told, for ten minutes";

const hint =
  "see timedatectl; if it is off by whole hours, the hardware clock may hold local time: timedatectl set-local-rtc 0";

/**
 * What was received by a wrong clock is kept, under the time that this clock showed. Two gaps of cause "clock" tell of it, for each
 * stream: the true time in which the clock was wrong, and the wrong stamps. Nothing is missing in them. A step between two clocks
 * that are both nearly right is one gap, as long as the step.
 */
export function createClockWatch(deps: ClockWatchDeps): ClockWatch {
  const { clock, log } = deps;
  /** Since when the clock is wrong, in steady and in true time, µs; null while it is right, or nobody knows. */
  let wrong: { readonly steadyUs: number; readonly trueUs: number; readonly isFar: boolean } | null = null;
  /** When the clock as it is set now began, steady µs. */
  let beganUs = clock.steadyUs();
  let count = 0;
  let looks = 0;
  const noted: ClockStep[] = [];
  /** When steps were told lately, steady µs; and how many were not, since. */
  const told: number[] = [];
  let untold = 0;
  /** Steps that nobody can judge before the exchange has told its time. */
  const unjudged: ClockStep[] = [];

  clock.onStep((step) => {
    count++;
    deps.onStep(step.toUs - step.fromUs);
    noted.push(step);
  });

  /** Stamp minus true time, µs; null while unknown. */
  function errorAt(us: number, stampUs: number): number | null {
    const offset = deps.offset();
    return offset === null ? null : stampUs - (us - offset.us);
  }

  /** Further off than a clock may be, and than the exchange's answer, which may have been slow, can tell. */
  function isWrong(errorUs: number): boolean {
    return Math.abs(errorUs) > wrongUs + (deps.offset()?.boundUs ?? 0);
  }

  /** Written down at once, by the second around it, so that no crash hides it. */
  function take(step: ClockStep): void {
    const before = errorAt(step.atUs, step.fromUs);
    const after = errorAt(step.atUs, step.toUs);
    tell(step, before, after);
    if (after === null) write([gapOf(step.fromUs - 1e6, step.fromUs), gapOf(step.toUs, step.toUs + 1e6)]);
    unjudged.push(step);
    if (unjudged.length > mostUnjudged) unjudged.shift();
  }

  /** Two programs that fight over the clock may set it every few seconds. */
  function tell(step: ClockStep, before: number | null, after: number | null): void {
    while (step.atUs - (told[0] ?? step.atUs) > toldWithinUs) told.shift();
    if (told.length >= mostTold) {
      untold++;
      return;
    }
    told.push(step.atUs);
    const isLast = told.length === mostTold;
    log.warn(
      "this machine's clock was set; open segments are closed, and recording goes on by the clock as it is now",
      {
        step_s: (step.toUs - step.fromUs) / 1e6,
        off_before_s: before === null ? undefined : Math.round(before / 1e5) / 10,
        off_now_s: after === null ? undefined : Math.round(after / 1e5) / 10,
        ...(untold > 0 && { more_since_the_last_line: untold }),
        ...(isLast ? { hint: fightHint } : after !== null && isWrong(after) && { hint }),
      },
    );
    untold = 0;
  }

  function judge(step: ClockStep): void {
    const byUs = step.toUs - step.fromUs;
    const before = errorAt(step.atUs, step.fromUs) ?? 0;
    const wasRight = !isWrong(before);
    if (isWrong(errorAt(step.atUs, step.toUs) ?? 0)) begin(wasRight ? step.atUs : beganUs, before + byUs);
    else {
      if (!wasRight) begin(beganUs, before);
      const fromUs = wrong?.trueUs ?? step.toUs - Math.abs(byUs);
      write([gapOf(fromUs, step.toUs), ...stampsUntil(step.atUs)]);
      wrong = null;
    }
    beganUs = step.atUs;
  }

  function begin(steadyUs: number, errorUs: number): void {
    if (wrong !== null) return;
    wrong = { steadyUs, trueUs: steadyUs - (deps.offset()?.us ?? 0), isFar: Math.abs(errorUs) > farUs };
    deps.updateGaps(openGaps());
  }

  /** The stamps that the wrong clock has given. */
  function stampsUntil(steadyUs: number): readonly Span[] {
    if (wrong === null || !wrong.isFar) return [];
    return clock.spansOf(wrong.steadyUs + 1, steadyUs).map(({ fromUs, toUs }) => gapOf(fromUs, toUs));
  }

  function write(spans: readonly Span[]): void {
    deps.saveGaps(about(spans));
  }

  function about(spans: readonly Span[]): readonly Gap[] {
    return deps.streams().flatMap((stream) => spans.map((span) => ({ ...of(stream), ...span })));
  }

  function openGaps(): readonly Gap[] {
    if (wrong === null) return [];
    const nowUs = clock.steadyUs();
    return about([gapOf(wrong.trueUs, wrong.trueUs + nowUs - wrong.steadyUs), ...stampsUntil(nowUs)]);
  }

  return {
    look() {
      const nowUs = clock.steadyUs();
      for (const step of noted.splice(0)) take(step);
      if (deps.offset() !== null) for (const step of unjudged.splice(0)) judge(step);
      if (++looks % noteOpenEvery === 0) deps.updateGaps(openGaps());
      if (wrong !== null) return;
      const error = errorAt(nowUs, clock.stampOf(nowUs));
      if (error === null || !isWrong(error)) return;
      begin(beganUs, error);
      const side = error > 0 ? "ahead of" : "behind";
      log.warn(`this machine's clock is ${side} the exchange's; until it is right, nothing is deleted or merged`, {
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

function of({ type, symbol }: Stream) {
  return { stream: type.folder, symbol };
}
