/** Permission to check one password. */
export type LaneTurn = {
  readonly ok: true;
  /** Must be called once: false if the password was wrong, null if it was not checked. */
  settle(isRight: boolean | null): void;
};

export type Refusal = { readonly ok: false; readonly waitMs: number };

/** Whether a request may wait. A waiting request gives up when `signal` is aborted. */
export type LanePatience = { readonly waits: boolean; readonly signal: AbortSignal | null };

/** Checks passwords one at a time. Wrong passwords in a lane delay only requests in the same lane. */
export type Lane = {
  /** Asks for a turn; lower ranks go first. A free lane answers without a promise. Without `waits` a busy lane refuses. */
  enter(rank: number, visit: LanePatience): LaneTurn | Refusal | Promise<LaneTurn | Refusal>;
};

export type LaneLimits = {
  /** Wrong passwords in a row. One unit returns every `refillMs`; right passwords are free. */
  readonly budget: number;
  readonly refillMs: number;
  /** Pause between a wrong password and the next check. */
  readonly pauseMs: number;
  /** Upper bounds for waiting requests and for their wait in ms. Beyond them requests are refused. */
  readonly queue: number;
  readonly patienceMs: number;
};

export type LaneDeps = {
  readonly nowMs: () => number;
  /** Runs `work` after `ms`; returns what cancels it. */
  readonly after: (ms: number, work: () => void) => () => void;
};

type Waiting = { readonly rank: number; readonly answer: (turn: LaneTurn | Refusal) => void };

/** Wait in ms that a refused request is told. */
const comeBackMs = 1000;

export function createLane(limits: LaneLimits, { nowMs, after }: LaneDeps): Lane {
  let spent = 0;
  let refilledMs = nowMs();
  let nextMs = 0;
  let isBusy = false;
  let cancelWake: (() => void) | null = null;
  const waiting: Waiting[] = [];

  /** Refills the budget; returns the time in ms until it allows another check, 0 for now. */
  function refill(now: number): number {
    const back = Math.floor((now - refilledMs) / limits.refillMs);
    spent = Math.max(0, spent - back);
    refilledMs = spent === 0 ? now : refilledMs + back * limits.refillMs;
    return spent < limits.budget ? 0 : refilledMs + limits.refillMs - now;
  }

  function startTurn(): LaneTurn {
    isBusy = true;
    let isSettled = false;
    return {
      ok: true,
      settle(isRight) {
        if (isSettled) return;
        isSettled = true;
        isBusy = false;
        if (isRight === false) {
          refill(nowMs());
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
    const empty = waiting.length === 0 ? 0 : refill(now);
    if (empty > 0) for (const { answer } of waiting.splice(0)) answer({ ok: false, waitMs: empty });
    if (isBusy || waiting.length === 0) return;
    if (now < nextMs) cancelWake = after(nextMs - now, pump);
    else waiting.shift()?.answer(startTurn());
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
      const behind = waiting.findIndex((entry) => entry.rank > rank);
      waiting.splice(behind < 0 ? waiting.length : behind, 0, entry);
      pump();
    });
  }

  return {
    enter(rank, { waits, signal }) {
      const now = nowMs();
      const empty = refill(now);
      if (empty > 0) return { ok: false, waitMs: empty };
      if (!isBusy && waiting.length === 0 && now >= nextMs) return startTurn();
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
