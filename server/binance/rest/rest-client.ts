import { boundedFetch } from "../../platform/fetch/bounded-fetch.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import { noAnswer, type RestAnswer, type RestTrouble, readAnswer } from "./responses.ts";
import { createWeightBudget } from "./weight-budget.ts";

/** Asks the exchange over REST; the one way for the whole process, so that its weight is known and its bans are obeyed by all. */
export type RestClient = {
  /**
   * GET `path` with `query`. Waits for its turn, then for room in the minute's weight, then for the answer; never throws.
   * Whoever gets "failed" may ask again at once: it waits in here as long as the exchange wants.
   */
  get(path: string, query: RestQuery, options: RestOptions): Promise<RestAnswer>;
  status(): RestStatus;
  /** Aborts what is under way and answers everything with "failed" from now on. Idempotent. */
  stop(): void;
};

export type RestQuery = Readonly<Record<string, string | number>>;

/** What waits is served by priority, then in order. Low ones leave room in each minute's weight for the others. */
export type RestPriority = "high" | "normal" | "low";

export type RestOptions = {
  /** Request weight as documented (rest-api.md). */
  readonly weight: number;
  readonly priority: RestPriority;
  readonly signal?: AbortSignal;
  /** Longest answer that is read, bytes after decompression; default 8 MiB, far above any page of trades and any book. */
  readonly mostBytes?: number;
  /** Called at the moment in which the request goes out. */
  readonly onSend?: () => void;
};

export type RestStatus = {
  readonly usedWeight: number;
  readonly waiting: number;
  /** What is wrong, in words for people; null while the exchange answers. */
  readonly trouble: string | null;
};

type Waiting = {
  readonly url: string;
  readonly options: RestOptions;
  readonly settle: (answer: RestAnswer) => void;
};

const ranks: readonly RestPriority[] = ["high", "normal", "low"];
const shares: Readonly<Record<RestPriority, number>> = { high: 1, normal: 0.9, low: 0.75 };

/** Requests under way at once. */
const lanes = 2;
const mostWaiting = 1000;
const usualMostBytes = 8 * 1024 * 1024;
const longestBackoffMs = 5 * 60_000;

/**
 * `weightPerMinute` is what we spend at most (3000), of what the exchange allows an address (6000); `timeoutMs` how long an answer
 * may take (15 s: the exchange itself gives up after 10). `now` is the wall clock, ms.
 */
export function createRestClient(
  options: { restUrl: string; weightPerMinute?: number; addressLimit?: number; timeoutMs?: number },
  deps: { log: Log; now?: () => number; after?: After; random?: () => number },
): RestClient {
  const { log, after = systemAfter, now = Date.now, random = Math.random } = deps;
  const budget = createWeightBudget({ own: options.weightPerMinute ?? 3000, limit: options.addressLimit ?? 6000 }, now);
  const queues: Readonly<Record<RestPriority, Waiting[]>> = { high: [], normal: [], low: [] };
  const underWay = new Set<AbortController>();
  let stopped = false;
  /** While the exchange wants to be left alone. */
  let pause: { readonly endMs: number; readonly cancel: () => void } | null = null;
  /** Wakes us when the minute's weight is there again. */
  let cancelWake: (() => void) | null = null;
  let trouble: RestTrouble | null = null;
  let troubleSince = 0;
  let failures = 0;
  /** After a pause one request finds out whether the exchange answers again; the others wait for it. */
  let probing = false;

  const waiting = () => ranks.reduce((sum, rank) => sum + queues[rank].length, 0);

  function pump(): void {
    cancelWake?.();
    cancelWake = null;
    while (pause === null && !stopped && !probing && underWay.size < lanes) {
      const rank = ranks.find((candidate) => queues[candidate].length > 0);
      const next = rank === undefined ? undefined : queues[rank][0];
      if (rank === undefined || next === undefined) return;
      const waitMs = budget.take(next.options.weight, shares[rank]);
      if (waitMs > 0) {
        cancelWake = after(waitMs, pump);
        return;
      }
      queues[rank].shift();
      probing = trouble !== null;
      void send(next).then(pump);
    }
  }

  async function send({
    url,
    options: { signal, onSend, mostBytes = usualMostBytes },
    settle,
  }: Waiting): Promise<void> {
    const abort = new AbortController();
    const cancel = () => abort.abort();
    const init = { signal: abort.signal, headers: { "accept-encoding": "gzip, deflate, br" } };
    underWay.add(abort);
    signal?.addEventListener("abort", cancel);
    const sent = performance.now();
    let found: RestAnswer | RestTrouble;
    try {
      onSend?.();
      const answer = await boundedFetch(url, init, { maxBytes: mostBytes, timeoutMs: options.timeoutMs ?? 15_000 });
      budget.report(Number(answer.headers.get("x-mbx-used-weight-1m") ?? 0));
      found = readAnswer(answer, performance.now() - sent);
    } catch (error) {
      found = stopped || signal?.aborted ? stoppedAnswer : noAnswer(error);
    }
    signal?.removeEventListener("abort", cancel);
    underWay.delete(abort);
    probing = false;
    if ("pauseMs" in found) noteTrouble(found);
    else if (found !== stoppedAnswer) noteAnswer();
    settle("pauseMs" in found ? { kind: "failed", reason: found.reason } : found);
  }

  function noteTrouble(found: RestTrouble): void {
    const backoffMs = Math.min(longestBackoffMs, found.leastMs * 2 ** Math.min(failures, 10)) * (1 - random() / 4);
    failures++;
    const pauseMs = found.pauseMs ?? backoffMs;
    keepStill(pauseMs);
    if (trouble === null) troubleSince = now();
    if (trouble?.kind !== found.kind)
      log.warn(`REST: ${found.reason}`, { next_attempt_in_seconds: Math.ceil(pauseMs / 1000) });
    trouble = found;
  }

  /** Of two pauses the one that ends later counts. */
  function keepStill(ms: number): void {
    const endMs = now() + ms;
    if (pause !== null && pause.endMs > endMs) return;
    pause?.cancel();
    const cancel = after(ms, () => {
      pause = null;
      pump();
    });
    pause = { endMs, cancel };
  }

  function noteAnswer(): void {
    // What was under way when the exchange asked for silence may still be answered.
    if (trouble === null || pause !== null) return;
    log.info("REST: the exchange answers again", { after_seconds: Math.round((now() - troubleSince) / 1000) });
    trouble = null;
    failures = 0;
  }

  function enqueue(entry: Waiting): void {
    if (waiting() >= mostWaiting) {
      entry.settle({ kind: "failed", reason: `more than ${mostWaiting} requests are waiting` });
      return;
    }
    queues[entry.options.priority].push(entry);
    pump();
  }

  /** Gives up a request that has not gone out yet. */
  function withdraw(entry: Waiting): void {
    const queue = queues[entry.options.priority];
    const at = queue.indexOf(entry);
    if (at < 0) return;
    queue.splice(at, 1);
    entry.settle(stoppedAnswer);
  }

  return {
    get(path, query, requestOptions) {
      const { signal } = requestOptions;
      if (stopped || signal?.aborted) return Promise.resolve(stoppedAnswer);
      const parameters = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
      const url = `${options.restUrl}${path}${parameters.length > 0 ? `?${parameters.join("&")}` : ""}`;
      return new Promise((resolve) => {
        const settle = (answer: RestAnswer) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(answer);
        };
        const entry: Waiting = { url, options: requestOptions, settle };
        const onAbort = () => withdraw(entry);
        signal?.addEventListener("abort", onAbort);
        enqueue(entry);
      });
    },
    status: () => ({ usedWeight: budget.used(), waiting: waiting(), trouble: trouble?.reason ?? null }),
    stop() {
      stopped = true;
      pause?.cancel();
      cancelWake?.();
      for (const rank of ranks) for (const { settle } of queues[rank].splice(0)) settle(stoppedAnswer);
      for (const abort of underWay) abort.abort();
    },
  };
}

const stoppedAnswer: RestAnswer = { kind: "failed", reason: "stopped" };
