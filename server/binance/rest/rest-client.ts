import type { TimeUnit } from "../../domain/market/exchange-time.ts";
import { boundedFetch } from "../../platform/fetch/bounded-fetch.ts";
import { routeTo } from "../../platform/fetch/proxy-route.ts";
import type { Log } from "../../platform/log/log.ts";
import { backoff } from "../../platform/time/backoff.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import { noAnswer, type RestAnswer, type RestTrouble, readAnswer } from "./responses.ts";
import { createWeightBudget } from "./weight-budget.ts";

/** Sends REST requests to the exchange. The process has one client, so all requests share its weight budget and obey its pauses. */
export type RestClient = {
  /**
   * Sends GET `path` with `query`. Waits for its turn, then for weight in this minute, then for the answer; never throws.
   * After "failed" the caller may ask again at once: the client waits as long as the exchange demands.
   */
  get(path: string, query: RestQuery, options: RestOptions): Promise<RestAnswer>;
  /** Counts an answer of a path that could be used although its form was not the usual one. The first of each path is logged. */
  countUnusual(path: string): void;
  status(): RestStatus;
  /** Aborts requests under way. From now on every request gets "failed". Idempotent. */
  stop(): void;
};

export type RestQuery = Readonly<Record<string, string | number>>;

/** Requests are served by priority, then in order. Lower priorities may use only a part of each minute's weight. */
export type RestPriority = "high" | "normal" | "low";

export type RestOptions = {
  /** Request weight as documented (rest-api.md). */
  readonly weight: number;
  readonly priority: RestPriority;
  readonly signal?: AbortSignal;
  /** Longest accepted answer, bytes after decompression; default 8 MiB, far above any page of trades and any book. */
  readonly mostBytes?: number;
  /** Called immediately before the request is sent. */
  readonly onSend?: () => void;
};

export type RestStatus = {
  readonly usedWeight: number;
  readonly waiting: number;
  /** Usable answers of an unusual form. */
  readonly unusual: number;
  /** The current problem, in words; null while the exchange answers. */
  readonly trouble: string | null;
};

type Waiting = {
  readonly url: string;
  readonly options: RestOptions;
  readonly settle: (answer: RestAnswer) => void;
};

const ranks: readonly RestPriority[] = ["high", "normal", "low"];
const shares: Readonly<Record<RestPriority, number>> = { high: 1, normal: 0.9, low: 0.75 };

/** Most requests under way at once. */
const lanes = 2;
const mostWaiting = 1000;
const usualMostBytes = 8 * 1024 * 1024;
const longestBackoffMs = 5 * 60_000;

/**
 * Creates the client. `weightPerMinute`: weight that this process may use (default 3000). `addressLimit`: weight that the exchange allows
 * an address (default 6000). `timeUnit`: unit of times in answers (default ms). `timeoutMs`: longest wait for an answer (default 15 s; the exchange itself gives up after 10 s). `now`: the
 * wall clock, ms.
 *
 * | state     | entered when                          | behaviour                                                            |
 * |-----------|---------------------------------------|----------------------------------------------------------------------|
 * | answering | a request was answered                | up to `lanes` requests at once                                       |
 * | paused    | a request met a problem               | no requests until the pause ends: as demanded, or by backoff         |
 * | probing   | the pause has ended                   | one request at a time; an answer leads to answering, else to paused  |
 */
export function createRestClient(
  options: {
    restUrl: string;
    timeUnit?: TimeUnit;
    weightPerMinute?: number;
    addressLimit?: number;
    timeoutMs?: number;
  },
  deps: { log: Log; now?: () => number; after?: After; random?: () => number },
): RestClient {
  const { log, after = systemAfter, now = Date.now, random = Math.random } = deps;
  const budget = createWeightBudget({ own: options.weightPerMinute ?? 3000, limit: options.addressLimit ?? 6000 }, now);
  const queues: Readonly<Record<RestPriority, Waiting[]>> = { high: [], normal: [], low: [] };
  const headers = {
    "accept-encoding": "gzip, deflate, br",
    ...(options.timeUnit === "us" ? { "x-mbx-time-unit": "MICROSECOND" } : {}),
  };
  const underWay = new Set<AbortController>();
  let stopped = false;
  /** Set while no request may be sent. */
  let pause: { readonly endMs: number; readonly cancel: () => void } | null = null;
  /** Cancels the timer that waits for the next minute's weight. */
  let cancelWake: (() => void) | null = null;
  let trouble: RestTrouble | null = null;
  let troubleSince = 0;
  let failures = 0;
  /** After a pause one request checks whether the exchange answers again; the others wait for it. */
  let probing = false;

  /** Usable answers of an unusual form, by path. */
  const unusual = new Map<string, number>();

  const waiting = () => ranks.reduce((sum, rank) => sum + queues[rank].length, 0);

  function pump(): void {
    cancelWake?.();
    cancelWake = null;
    while (pause === null && !stopped && !probing && underWay.size < lanes) {
      const rank = ranks.find((candidate) => queues[candidate].length > 0);
      const next = rank === undefined ? undefined : queues[rank][0];
      if (rank === undefined || next === undefined) return;
      const waitMs = budget.acquire(next.options.weight, shares[rank]);
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
    const init = { signal: abort.signal, headers };
    underWay.add(abort);
    signal?.addEventListener("abort", cancel);
    const sent = performance.now();
    let outcome: RestAnswer | RestTrouble;
    try {
      onSend?.();
      const answer = await boundedFetch(url, init, { maxBytes: mostBytes, timeoutMs: options.timeoutMs ?? 15_000 });
      budget.report(Number(answer.headers.get("x-mbx-used-weight-1m") ?? 0));
      outcome = readAnswer(answer, performance.now() - sent);
    } catch (error) {
      outcome = stopped || signal?.aborted ? stoppedAnswer : noAnswer(error, routeTo(url));
    }
    signal?.removeEventListener("abort", cancel);
    underWay.delete(abort);
    probing = false;
    if ("pauseMs" in outcome) onTrouble(outcome);
    else if (outcome !== stoppedAnswer) onAnswer();
    settle("pauseMs" in outcome ? { kind: "failed", reason: outcome.reason } : outcome);
  }

  function onTrouble(outcome: RestTrouble): void {
    const backoffMs = backoff(
      { first: outcome.leastMs, longest: longestBackoffMs, jitter: 0.25 },
      failures++,
      random(),
    );
    const pauseMs = outcome.pauseMs ?? backoffMs;
    pauseFor(pauseMs);
    if (trouble === null) troubleSince = now();
    if (trouble?.kind !== outcome.kind)
      log.warn(`REST: ${outcome.reason}`, { next_attempt_in_seconds: Math.ceil(pauseMs / 1000) });
    trouble = outcome;
  }

  /** Starts a pause, unless the current pause ends later. */
  function pauseFor(ms: number): void {
    const endMs = now() + ms;
    if (pause !== null && pause.endMs > endMs) return;
    pause?.cancel();
    const cancel = after(ms, () => {
      pause = null;
      pump();
    });
    pause = { endMs, cancel };
  }

  function onAnswer(): void {
    // A request that was under way when the pause began may still be answered.
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

  /** Removes a request that has not been sent yet. */
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
    countUnusual(path) {
      const before = unusual.get(path) ?? 0;
      unusual.set(path, before + 1);
      if (before === 0) log.info("the exchange answers in a new form; its answers are used", { path });
    },
    status: () => ({
      usedWeight: budget.used(),
      waiting: waiting(),
      unusual: unusual.values().reduce((sum, count) => sum + count, 0),
      trouble: trouble?.reason ?? null,
    }),
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
