import type { BotStatus } from "../../domain/status.ts";
import type { Log } from "../../platform/log/log.ts";
import { type Backoff, backoff } from "../../platform/time/backoff.ts";
import { pause } from "../../platform/time/deadline.ts";
import type { BotApi } from "../api/bot-api.ts";
import { type CallProblem, problemText } from "../api/call-problem.ts";
import { updateIdOf } from "./update-parser.ts";

/** Polls Telegram for updates until it is stopped; failures only delay it. */
export type UpdatePoller = {
  start(): void;
  /** Aborts the running call; resolves when it has ended. Idempotent. */
  stop(): Promise<void>;
  state(): Pick<BotStatus, "state" | "name">;
};

export type UpdatePollerDeps = {
  readonly calls: Pick<BotApi, "me" | "updates">;
  /** Called for each update. It may throw and must not block. */
  readonly onUpdate: (update: unknown, botName: string) => void;
  /** Called when the bot's name is known. */
  readonly onName: (name: string) => void;
  readonly log: Log;
};

/** Duration of a long poll, s, and pauses after failures, ms. */
export type UpdatePollerPace = {
  readonly longPollSeconds: number;
  readonly retryMs: Backoff;
  /** Pause after a wrong token. */
  readonly refusedMs: number;
  /** Pauses while another poller exists. The first is shorter, because our own restart looks the same. */
  readonly conflictMs: readonly [first: number, then: number];
};

const usualPace: UpdatePollerPace = {
  longPollSeconds: 50,
  retryMs: { first: 1000, longest: 60_000, jitter: 0.25 },
  refusedMs: 300_000,
  conflictMs: [4000, 30_000],
};

/** From this number of conflicts on, the other poller is not our own previous run. */
const conflictsToLog = 3;

const quietMs = 600_000;

type Trouble = "unreachable" | "refused" | "conflict";

/** Creates the poller of a token. `start` starts it. */
export function createUpdatePoller(deps: UpdatePollerDeps, pace: UpdatePollerPace = usualPace): UpdatePoller {
  const { calls, log } = deps;
  const stopping = new AbortController();
  let running: Promise<void> | null = null;
  let state: BotStatus["state"] = "connecting";
  let name: string | null = null;
  let offset = 0;
  let failures = 0;
  let conflicts = 0;
  let lastConflictMs = 0;
  let loggedTrouble: Trouble | null = null;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const problem = name === null ? await learnName() : await poll(name);
      if (problem !== null && !stopping.signal.aborted) await pause(waitAfter(problem), stopping.signal);
    }
  }

  async function learnName(): Promise<CallProblem | null> {
    const result = await calls.me(stopping.signal);
    if (result.kind !== "done") return result;
    name = result.value;
    deps.onName(name);
    return null;
  }

  async function poll(botName: string): Promise<CallProblem | null> {
    const result = await calls.updates(offset, pace.longPollSeconds, stopping.signal);
    if (result.kind !== "done") return result;
    const ids = result.value.map(updateIdOf).filter((id) => id !== null);
    if (result.value.length > 0 && ids.length === 0) return { kind: "unreachable", problem: "the updates have no ids" };
    onListening();
    offset = ids.reduce((next, id) => Math.max(next, id + 1), offset);
    for (const update of result.value) {
      try {
        deps.onUpdate(update, botName);
      } catch {
        // A failing update must not keep the next update from being handled.
      }
    }
    return null;
  }

  function onListening(): void {
    failures = 0;
    // Two pollers both succeed now and then, so only a quiet time ends a conflict.
    if (performance.now() - lastConflictMs > quietMs) conflicts = 0;
    if (loggedTrouble === "conflict" && conflicts > 0) return;
    if (loggedTrouble !== null) log.info("the Telegram bot listens again");
    loggedTrouble = null;
    state = "listening";
  }

  /** Returns the pause after a failure, ms. Logs each kind of failure once. */
  function waitAfter(problem: CallProblem): number {
    failures++;
    if (problem.kind === "unacceptable" && problem.code === 409) return afterConflict(problem.problem);
    if (problem.kind === "refused" && problem.concerns === "bot") {
      onTrouble("refused", `${problem.problem}; ${problem.advice}`, null);
      return pace.refusedMs;
    }
    if (problem.kind === "wait") return problem.seconds * 1000;
    if (failures > 1)
      onTrouble("unreachable", "the Telegram bot cannot reach Telegram; trying again by itself", problemText(problem));
    return backoff(pace.retryMs, failures - 1);
  }

  function afterConflict(problem: string): number {
    conflicts++;
    lastConflictMs = performance.now();
    if (conflicts < conflictsToLog) return pace.conflictMs[0];
    const isWebhook = /webhook/i.test(problem);
    onTrouble(
      "conflict",
      isWebhook
        ? "a webhook is set for the bot's token, so polling fails; delete it (deleteWebhook), or use a separate bot from @BotFather"
        : "another program polls with this token: stop it, or give this recorder a bot of its own from @BotFather",
      problem,
    );
    return pace.conflictMs[1];
  }

  function onTrouble(trouble: Trouble, message: string, reason: string | null): void {
    state = trouble;
    if (loggedTrouble === trouble) return;
    loggedTrouble = trouble;
    log.warn(message, { reason });
  }

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
    state: () => ({ state, name }),
  };
}
