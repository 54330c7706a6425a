import type { Log } from "../../platform/log/log.ts";
import type { BotApi } from "../api/bot-api.ts";
import type { SendOutcome, SendQueue } from "../api/send-queue.ts";
import type { CommandAnswer } from "./command.ts";

/** Where an answer goes: below the question, or in the place of an earlier answer. */
export type ReplyPlace = {
  readonly chat: number;
  /** The message that is to become the answer, or null. */
  readonly messageId: number | null;
  /** It shows a picture. */
  readonly isPicture: boolean;
  /** The question, where the answer is to refer to it. */
  readonly replyTo: number | null;
};

/** Longest pause that Telegram may ask for before an answer is given up, s: later nobody waits for it. */
const mostWaitSeconds = 20;

/** Shows answers. Never rejects: an answer that cannot be shown is not worth more than a line in the log. */
export function createReply(deps: { calls: BotApi; sender: SendQueue; signal: AbortSignal; log: Log }) {
  const { calls, sender, signal, log } = deps;

  /** Shows an answer, and what becomes of it; resolves when all is said. */
  return async function reply(place: ReplyPlace, answer: CommandAnswer): Promise<void> {
    let shown = await show(place, answer);
    for (let next = answer.follow; next !== undefined && shown !== null && !signal.aborted; ) {
      const later = await next(signal);
      if (later === null) return;
      shown = await show({ ...place, messageId: shown }, later);
      next = later.follow;
    }
  };

  /** Id of the message that shows it, or null where none does. */
  async function show(place: ReplyPlace, answer: CommandAnswer): Promise<number | null> {
    const outcome = await attempt(place, answer);
    if (outcome.kind === "done") return outcome.messageId;
    if (outcome.kind === "wait" && outcome.seconds <= mostWaitSeconds && !signal.aborted) {
      await Bun.sleep(outcome.seconds * 1000);
      const second = signal.aborted ? outcome : await attempt(place, answer);
      if (second.kind === "done") return second.messageId;
    }
    if (!signal.aborted) log.debug("an answer could not be shown on Telegram", { reason: reasonOf(outcome) });
    return null;
  }

  async function attempt(
    { chat, messageId, isPicture, replyTo }: ReplyPlace,
    answer: CommandAnswer,
  ): Promise<SendOutcome> {
    const { picture, ...rest } = answer;
    const letter = { ...rest, replyTo };
    if (messageId !== null && picture === undefined && !isPicture) {
      const edited = await sender.edit(chat, messageId, letter);
      if (edited.kind !== "gone") return edited;
    }
    if (messageId !== null && picture !== undefined && isPicture) {
      const shown = await calls.showPicture(chat, messageId, picture, answer);
      if (shown.ok || /not modified/i.test(shown.problem)) return { kind: "done", messageId };
      if (shown.waitSeconds !== null) return { kind: "wait", seconds: shown.waitSeconds };
      if (shown.code !== 400) return { kind: "unreachable", problem: shown.problem };
    }
    // Text cannot become a picture, nor a picture text: it is said anew.
    return picture === undefined ? sender.send(chat, letter) : sender.sendPhoto(chat, picture, letter);
  }
}

function reasonOf(outcome: SendOutcome): string {
  return "problem" in outcome ? outcome.problem : outcome.kind;
}
