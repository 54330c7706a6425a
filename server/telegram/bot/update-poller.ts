import type { BotStatus } from "../../domain/status.ts";
import type { Log } from "../../platform/log/log.ts";
import type { BotApi, CallProblem } from "../api/bot-api.ts";
import { updateIdOf } from "./update-parser.ts";

/** Asks Telegram for what comes in, for as long as it lives, whatever happens. */
export type UpdatePoller = {
  start(): void;
  /** Ends at once; resolves when nothing is under way. Idempotent. */
  stop(): Promise<void>;
  state(): Pick<BotStatus, "state" | "name">;
};

export type UpdatePollerDeps = {
  readonly calls: Pick<BotApi, "me" | "updates">;
  /** One thing that came in; it may throw, and is not waited for. */
  readonly onUpdate: (update: unknown, botName: string) => void;
  /** Telegram has told the bot's name for the first time. */
  readonly onName: (name: string) => void;
  readonly log: Log;
};

/** How long Telegram may keep us waiting for something to come in, s, and how long we wait after failures, ms. */
export type UpdatePollerPace = {
  readonly longPollSeconds: number;
  readonly leastMs: number;
  readonly mostMs: number;
  /** After a wrong token. */
  readonly refusedMs: number;
  /** Another poller is there: at first, since a restart of our own looks the same, and then. */
  readonly conflictMs: readonly [first: number, then: number];
};

const usualPace: UpdatePollerPace = {
  longPollSeconds: 50,
  leastMs: 1000,
  mostMs: 60_000,
  refusedMs: 300_000,
  conflictMs: [4000, 30_000],
};

/** So many conflicts in a row or nearly so, and it is not our own previous run. */
const conflictsToTell = 3;

const quietMs = 600_000;

type Trouble = "unreachable" | "refused" | "conflict";

/** A poller of one token; does nothing before `start`. */
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
  let told: Trouble | null = null;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const problem = name === null ? await learnName() : await poll(name);
      if (problem !== null && !stopping.signal.aborted) await pause(waitAfter(problem));
    }
  }

  async function learnName(): Promise<CallProblem | null> {
    const found = await calls.me(stopping.signal);
    if (!found.ok) return found;
    name = found.value;
    deps.onName(name);
    return null;
  }

  async function poll(botName: string): Promise<CallProblem | null> {
    const found = await calls.updates(offset, pace.longPollSeconds, stopping.signal);
    if (!found.ok) return found;
    const ids = found.value.map(updateIdOf).filter((id) => id !== null);
    if (found.value.length > 0 && ids.length === 0)
      return { code: null, problem: "what came in has no numbers", waitSeconds: null };
    listening();
    offset = ids.reduce((next, id) => Math.max(next, id + 1), offset);
    for (const update of found.value) {
      try {
        deps.onUpdate(update, botName);
      } catch {
        // Whatever it was, the next one is not to suffer from it.
      }
    }
    return null;
  }

  function listening(): void {
    failures = 0;
    // Of two pollers each is let through now and then.
    if (performance.now() - lastConflictMs > quietMs) conflicts = 0;
    if (told === "conflict" && conflicts > 0) return;
    if (told !== null) log.info("the Telegram bot listens again");
    told = null;
    state = "listening";
  }

  /** How long to wait after a failure, ms; tells of each kind of trouble once. */
  function waitAfter({ code, problem, waitSeconds }: CallProblem): number {
    failures++;
    if (code === 409) return afterConflict(problem);
    if (code === 401 || code === 404) {
      tell(
        "refused",
        `Telegram does not know the token (${code}); put the one from @BotFather into telegram.token`,
        null,
      );
      return pace.refusedMs;
    }
    if (waitSeconds !== null) return waitSeconds * 1000;
    if (failures > 1) tell("unreachable", "the Telegram bot cannot reach Telegram; trying again by itself", problem);
    const ms = Math.min(pace.mostMs, pace.leastMs * 2 ** Math.min(failures - 1, 10));
    return ms * (0.75 + Math.random() / 2);
  }

  function afterConflict(problem: string): number {
    conflicts++;
    lastConflictMs = performance.now();
    if (conflicts < conflictsToTell) return pace.conflictMs[0];
    const isWebhook = /webhook/i.test(problem);
    tell(
      "conflict",
      isWebhook
        ? "a webhook is set for the bot's token, so nothing comes in here; delete it (deleteWebhook), or take a bot of its own from @BotFather"
        : "another program polls with this token: stop it, or give this recorder a bot of its own from @BotFather",
      problem,
    );
    return pace.conflictMs[1];
  }

  function tell(trouble: Trouble, message: string, reason: string | null): void {
    state = trouble;
    if (told === trouble) return;
    told = trouble;
    log.warn(message, { reason });
  }

  function pause(ms: number): Promise<void> {
    const { signal } = stopping;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
    });
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
