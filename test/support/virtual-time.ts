import type { After } from "../../server/timer.ts";

/** A time of its own: it passes only when it is told to, from one thing that is due to the next. */
export type VirtualTime = {
  readonly nowUs: () => number;
  readonly after: After;
  /** Runs what is due until `us`, in order. */
  runUntil(us: number): void;
};

/** Time that begins at `startUs`. */
export function createVirtualTime(startUs: number): VirtualTime {
  let now = startUs;
  let order = 0;
  let due: { readonly atUs: number; readonly order: number; readonly run: () => void }[] = [];

  return {
    nowUs: () => now,
    after(ms, run) {
      const entry = { atUs: now + Math.round(ms * 1000), order: order++, run };
      due.push(entry);
      return () => {
        due = due.filter((one) => one !== entry);
      };
    },
    runUntil(us) {
      for (;;) {
        const next = due.reduce<(typeof due)[number] | null>(
          (best, one) =>
            best === null || one.atUs < best.atUs || (one.atUs === best.atUs && one.order < best.order) ? one : best,
          null,
        );
        if (next === null || next.atUs > us) break;
        due.splice(due.indexOf(next), 1);
        now = Math.max(now, next.atUs);
        next.run();
      }
      now = us;
    },
  };
}
