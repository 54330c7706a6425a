import type { Log } from "../../platform/log/log.ts";
import { type Backoff, backoff } from "../../platform/time/backoff.ts";
import type { SendOutcome } from "../api/bot-api.ts";
import type { Outbox } from "./outbox.ts";

/** Tracks which chats can be reached, and when to try again. */
export type DeliveryHealth = {
  /** Returns the current id of a chat: its supergroup's id if it has become a supergroup. */
  idOf(chat: number): number;
  /** Returns the earliest time of the next call for the chat, µs. */
  readyUs(chat: number): number;
  /** Records the result of a call for a chat. */
  record(chat: number, outcome: SendOutcome): void;
  /** Returns the last outage of Telegram; `toUs` is now while it lasts. Null if there was no outage. */
  outage(): { readonly fromUs: number; readonly toUs: number } | null;
  /** Returns the current problem for people, or null. */
  problem(): { readonly state: "unreachable" | "refused"; readonly text: string; readonly sinceUs: number } | null;
};

type Trouble = { readonly text: string; readonly sinceUs: number; failures: number; untilUs: number };

/** Telegram's limits: a message a second to a person, twenty a minute to a group. Group ids are negative. */
const personPaceUs = 1_000_000;
const groupPaceUs = 3_000_000;

/** Pauses after failed calls in a row, s. */
const unreachablePauses = { first: 5, longest: 300 };
const refusedPauses = { first: 60, longest: 3600, growth: 4 };

const outageKey = "telegram unreachable since";

/** Upper bound for all pauses, µs. */
const longestUs = 86_400_000_000;

/** Creates the tracker. Each problem is logged only when it begins and when it ends. */
export function createDeliveryHealth(deps: {
  service: string;
  nowUs: () => number;
  outbox: Outbox;
  log: Log;
}): DeliveryHealth {
  const { service, nowUs, outbox, log } = deps;
  const paceUntil = new Map<number, number>();
  const refused = new Map<number, Trouble>();
  let unreachable: Trouble | null = null;
  let botRefused: Trouble | null = null;
  let past: { readonly fromUs: number; readonly toUs: number } | null = null;

  function nextTrouble(before: Trouble | null | undefined, text: string, pauses: Backoff): Trouble {
    const trouble = { sinceUs: before?.sinceUs ?? nowUs(), failures: (before?.failures ?? 0) + 1, text };
    return { ...trouble, untilUs: nowUs() + backoff(pauses, trouble.failures - 1) * 1e6 };
  }

  function onUnreachable(problem: string): void {
    if (unreachable === null) {
      log.warn(`cannot reach ${service}; messages are queued`, { reason: problem });
      if ((outbox.readValue(outageKey) ?? "") === "") outbox.saveValue(outageKey, String(nowUs()));
    }
    // Calls for several chats may fail at the same time; they count once.
    if (unreachable === null || unreachable.untilUs <= nowUs())
      unreachable = nextTrouble(unreachable, problem, unreachablePauses);
  }

  function onResponse(): void {
    const since = Number(outbox.readValue(outageKey) ?? "");
    if (since > 0) {
      past = { fromUs: since, toUs: nowUs() };
      outbox.saveValue(outageKey, "");
    }
    if (unreachable !== null) log.info(`${service} can be reached again`, { after_s: seconds(unreachable, nowUs()) });
    unreachable = null;
  }

  function onRefused(chat: number, { concerns, problem, advice }: Extract<SendOutcome, { kind: "refused" }>): void {
    const before = concerns === "bot" ? botRefused : refused.get(chat);
    // Calls for several chats may be refused at the same time; they count once.
    if (concerns === "bot" && botRefused !== null && botRefused.untilUs > nowUs()) return;
    const text = `${problem}: ${advice}`;
    if (before?.text !== text) {
      const fields = concerns === "bot" ? {} : { chat };
      log.error(`${service} refuses messages; trying again at growing intervals`, {
        ...fields,
        reason: problem,
        advice,
      });
    }
    const trouble = nextTrouble(before, text, refusedPauses);
    if (concerns === "bot") botRefused = trouble;
    else refused.set(chat, trouble);
  }

  function onAccepted(chat: number): void {
    const fields = { after_s: seconds(refused.get(chat) ?? botRefused, nowUs()) };
    if (refused.has(chat) || botRefused !== null) log.info(`${service} accepts messages again`, { chat, ...fields });
    refused.delete(chat);
    botRefused = null;
  }

  function idOf(chat: number): number {
    const moved = Number(outbox.readValue(movedKey(chat)) ?? "");
    return Number.isSafeInteger(moved) && moved !== 0 ? moved : chat;
  }

  function onMoved(chat: number, to: number): void {
    outbox.saveValue(movedKey(chat), String(to));
    log.warn("a group has become a supergroup; using its new id, put it into telegram.chats", {
      chat,
      new_id: to,
    });
  }

  return {
    idOf,
    readyUs(chat) {
      const waits = [paceUntil.get(chat), refused.get(chat)?.untilUs, unreachable?.untilUs, botRefused?.untilUs];
      const untilUs = Math.max(0, ...waits.map((us) => us ?? 0));
      // Only a clock that was set back causes a longer wait.
      return untilUs - nowUs() > longestUs ? 0 : untilUs;
    },
    record(chat, outcome) {
      const pace = idOf(chat) < 0 ? groupPaceUs : personPaceUs;
      paceUntil.set(chat, nowUs() + (outcome.kind === "wait" ? outcome.seconds * 1e6 : pace));
      if (outcome.kind === "unreachable") return onUnreachable(outcome.problem);
      onResponse();
      if (outcome.kind === "refused") onRefused(chat, outcome);
      else if (outcome.kind === "moved") onMoved(chat, outcome.chat);
      else if (outcome.kind !== "wait") onAccepted(chat);
    },
    outage() {
      const since = Number(outbox.readValue(outageKey) ?? "");
      return since > 0 ? { fromUs: since, toUs: nowUs() } : past;
    },
    problem() {
      if (unreachable !== null) return { state: "unreachable", text: unreachable.text, sinceUs: unreachable.sinceUs };
      const trouble = botRefused ?? [...refused.values()][0];
      return trouble === undefined ? null : { state: "refused", text: trouble.text, sinceUs: trouble.sinceUs };
    },
  };
}

function movedKey(chat: number): string {
  return `telegram chat ${chat} is now`;
}

function seconds(trouble: Trouble | null | undefined, nowUs: number): number {
  return Math.round((nowUs - (trouble?.sinceUs ?? nowUs)) / 1e6);
}
