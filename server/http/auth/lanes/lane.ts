/** Permission to look at one password. */
export type LaneTurn = {
  readonly ok: true;
  /** Has to be called once: false if the password was wrong, null if it was not looked at. */
  settle(isRight: boolean | null): void;
};

export type Refusal = { readonly ok: false; readonly waitMs: number };

/** How long a request may wait: until `signal` is aborted, or not at all. */
export type LanePatience = { readonly waits: boolean; readonly signal: AbortSignal | null };

/** Passwords that are looked at one after the other. Whoever cannot use up this lane's budget cannot hold up anybody in it. */
export type Lane = {
  /** Lower ranks go first; a turn at once is given without a promise. Without `waits` nothing is waited for. */
  enter(rank: number, visit: LanePatience): LaneTurn | Refusal | Promise<LaneTurn | Refusal>;
};

export type LaneLimits = {
  /** Wrong passwords in a row; the budget comes back one by one, each after `refillMs`. Right passwords cost nothing. */
  readonly budget: number;
  readonly refillMs: number;
  /** After a wrong password the next one is looked at after this pause. */
  readonly pauseMs: number;
  /** Requests that may wait, and for how long; beyond that they are told to come back. */
  readonly queue: number;
  readonly patienceMs: number;
};

export type LaneDeps = {
  readonly nowMs: () => number;
  /** Runs `work` after `ms`; returns what cancels it. */
  readonly after: (ms: number, work: () => void) => () => void;
};

type Waiting = { readonly rank: number; readonly answer: (turn: LaneTurn | Refusal) => void };

/** What somebody who does not find a place is told to wait. */
const comeBackMs = 1000;

export function createLane(limits: LaneLimits, { nowMs, after }: LaneDeps): Lane {
  let spent = 0;
  let refilledMs = nowMs();
  let nextMs = 0;
  let isBusy = false;
  let cancelWake: (() => void) | null = null;
  const waiting: Waiting[] = [];

  /** How long until the budget allows another look, ms. */
  function emptyMs(now: number): number {
    const back = Math.floor((now - refilledMs) / limits.refillMs);
    spent = Math.max(0, spent - back);
    refilledMs = spent === 0 ? now : refilledMs + back * limits.refillMs;
    return spent < limits.budget ? 0 : refilledMs + limits.refillMs - now;
  }

  function take(): LaneTurn {
    isBusy = true;
    let isSettled = false;
    return {
      ok: true,
      settle(isRight) {
        if (isSettled) return;
        isSettled = true;
        isBusy = false;
        if (isRight === false) {
          emptyMs(nowMs());
          spent++;
          nextMs = nowMs() + limits.pauseMs;
        }
        pump();
      },
    };
  }

  function pump(): void {
    cancelWake?.();
    cancelWake = null;
    const now = nowMs();
    const empty = waiting.length === 0 ? 0 : emptyMs(now);
    if (empty > 0) for (const { answer } of waiting.splice(0)) answer({ ok: false, waitMs: empty });
    if (isBusy || waiting.length === 0) return;
    if (now < nextMs) cancelWake = after(nextMs - now, pump);
    else waiting.shift()?.answer(take());
  }

  function join(rank: number, signal: AbortSignal | null): Promise<LaneTurn | Refusal> {
    return new Promise((resolve) => {
      const answer = (turn: LaneTurn | Refusal) => {
        cancel();
        signal?.removeEventListener("abort", giveUp);
        resolve(turn);
      };
      const entry: Waiting = { rank, answer };
      const giveUp = () => {
        const at = waiting.indexOf(entry);
        if (at >= 0) waiting.splice(at, 1);
        answer({ ok: false, waitMs: comeBackMs });
      };
      const cancel = after(limits.patienceMs, giveUp);
      signal?.addEventListener("abort", giveUp);
      const behind = waiting.findIndex((other) => other.rank > rank);
      waiting.splice(behind < 0 ? waiting.length : behind, 0, entry);
      pump();
    });
  }

  return {
    enter(rank, { waits, signal }) {
      const now = nowMs();
      const empty = emptyMs(now);
      if (empty > 0) return { ok: false, waitMs: empty };
      if (!isBusy && waiting.length === 0 && now >= nextMs) return take();
      if (!waits || signal?.aborted) return { ok: false, waitMs: comeBackMs };
      if (waiting.length < limits.queue) return join(rank, signal);
      const last = waiting.at(-1);
      if (last === undefined || last.rank <= rank) return { ok: false, waitMs: comeBackMs };
      waiting.pop();
      last.answer({ ok: false, waitMs: comeBackMs });
      return join(rank, signal);
    },
  };
}
