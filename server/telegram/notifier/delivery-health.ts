import type { Log } from "../../platform/log/log.ts";
import type { SendOutcome } from "../api/send-queue.ts";
import type { Outbox } from "./outbox.ts";

/** How well the chats can be reached, and when to try again. */
export type DeliveryHealth = {
  /** Where messages to a chat go: the supergroup that it has become, or itself. */
  idOf(chat: number): number;
  /** Nothing is to be sent to the chat before, µs. */
  readyUs(chat: number): number;
  /** What became of a call for a chat. */
  note(chat: number, outcome: SendOutcome): void;
  /** The last time in which nobody could be reached, the end being now while it lasts; null where there was none. */
  outage(): { readonly fromUs: number; readonly toUs: number } | null;
  /** What is wrong at this moment, for people; null where nothing is. */
  problem(): { readonly state: "unreachable" | "refused"; readonly text: string; readonly sinceUs: number } | null;
};

type Trouble = { readonly text: string; readonly sinceUs: number; failures: number; untilUs: number };

/** Telegram's limits: one message a second to a person, twenty a minute to a group, whose ids are negative. */
const personPaceUs = 1_000_000;
const groupPaceUs = 3_000_000;

/** Pauses after one failed call after another, s; the last one goes on. */
const unreachablePauses = [5, 10, 20, 40, 80, 160, 300] as const;
const refusedPauses = [60, 300, 900, 3600] as const;

const outageNote = "telegram unreachable since";

/** Longer than any pause that Telegram asks for, or that is made after failures, µs. */
const longestUs = 86_400_000_000;

/** Keeps in mind what goes wrong; each trouble is logged when it begins and when it is over, and never in between. */
export function createDeliveryHealth(deps: { nowUs: () => number; outbox: Outbox; log: Log }): DeliveryHealth {
  const { nowUs, outbox, log } = deps;
  const paceUntil = new Map<number, number>();
  const refused = new Map<number, Trouble>();
  let unreachable: Trouble | null = null;
  let deaf: Trouble | null = null;
  let past: { readonly fromUs: number; readonly toUs: number } | null = null;

  function lasting(before: Trouble | null | undefined, text: string, pauses: readonly number[]): Trouble {
    const trouble = { sinceUs: before?.sinceUs ?? nowUs(), failures: (before?.failures ?? 0) + 1, text };
    const pause = pauses[Math.min(trouble.failures, pauses.length) - 1] ?? 0;
    return { ...trouble, untilUs: nowUs() + pause * 1e6 };
  }

  function noteUnreachable(problem: string): void {
    if (unreachable === null) {
      log.warn("cannot reach Telegram; what is to be told waits", { reason: problem });
      if ((outbox.note(outageNote) ?? "") === "") outbox.setNote(outageNote, String(nowUs()));
    }
    // Several chats may find out at the same time.
    if (unreachable === null || unreachable.untilUs <= nowUs())
      unreachable = lasting(unreachable, problem, unreachablePauses);
  }

  function noteAnswer(): void {
    const since = Number(outbox.note(outageNote) ?? "");
    if (since > 0) {
      past = { fromUs: since, toUs: nowUs() };
      outbox.setNote(outageNote, "");
    }
    if (unreachable !== null) log.info("Telegram can be reached again", { after_s: seconds(unreachable, nowUs()) });
    unreachable = null;
  }

  function noteRefused(chat: number, { concerns, problem, advice }: Extract<SendOutcome, { kind: "refused" }>): void {
    const before = concerns === "bot" ? deaf : refused.get(chat);
    // Several chats may find out at the same time that nobody is listened to.
    if (concerns === "bot" && deaf !== null && deaf.untilUs > nowUs()) return;
    const text = `${problem}: ${advice}`;
    if (before?.text !== text) {
      const fields = concerns === "bot" ? {} : { chat };
      log.error("Telegram takes no messages; it is tried again now and then", { ...fields, reason: problem, advice });
    }
    const trouble = lasting(before, text, refusedPauses);
    if (concerns === "bot") deaf = trouble;
    else refused.set(chat, trouble);
  }

  function noteTaken(chat: number): void {
    const fields = { after_s: seconds(refused.get(chat) ?? deaf, nowUs()) };
    if (refused.has(chat) || deaf !== null) log.info("Telegram takes messages again", { chat, ...fields });
    refused.delete(chat);
    deaf = null;
  }

  function idOf(chat: number): number {
    const moved = Number(outbox.note(movedNote(chat)) ?? "");
    return Number.isSafeInteger(moved) && moved !== 0 ? moved : chat;
  }

  function noteMoved(chat: number, to: number): void {
    outbox.setNote(movedNote(chat), String(to));
    log.warn("a group has become a supergroup; its new id is used, and should be put into telegram.chats", {
      chat,
      new_id: to,
    });
  }

  return {
    idOf,
    readyUs(chat) {
      const waits = [paceUntil.get(chat), refused.get(chat)?.untilUs, unreachable?.untilUs, deaf?.untilUs];
      const untilUs = Math.max(0, ...waits.map((us) => us ?? 0));
      // The clock was put back since: nothing is waited for that long.
      return untilUs - nowUs() > longestUs ? 0 : untilUs;
    },
    note(chat, outcome) {
      const pace = idOf(chat) < 0 ? groupPaceUs : personPaceUs;
      paceUntil.set(chat, nowUs() + (outcome.kind === "wait" ? outcome.seconds * 1e6 : pace));
      if (outcome.kind === "unreachable") return noteUnreachable(outcome.problem);
      noteAnswer();
      if (outcome.kind === "refused") noteRefused(chat, outcome);
      else if (outcome.kind === "moved") noteMoved(chat, outcome.chat);
      else if (outcome.kind !== "wait") noteTaken(chat);
    },
    outage() {
      const since = Number(outbox.note(outageNote) ?? "");
      return since > 0 ? { fromUs: since, toUs: nowUs() } : past;
    },
    problem() {
      if (unreachable !== null) return { state: "unreachable", text: unreachable.text, sinceUs: unreachable.sinceUs };
      const trouble = deaf ?? [...refused.values()][0];
      return trouble === undefined ? null : { state: "refused", text: trouble.text, sinceUs: trouble.sinceUs };
    },
  };
}

function movedNote(chat: number): string {
  return `telegram chat ${chat} is now`;
}

function seconds(trouble: Trouble | null | undefined, nowUs: number): number {
  return Math.round((nowUs - (trouble?.sinceUs ?? nowUs)) / 1e6);
}
