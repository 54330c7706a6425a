import type { Log } from "../../platform/log/log.ts";
import { pause } from "../../platform/time/deadline.ts";
import type { Sender, SendOutcome } from "../api/bot-api.ts";
import { problemText } from "../api/call-problem.ts";
import type { CommandAnswer } from "./command.ts";

/** The place of an answer: a new message, or an earlier answer that it replaces. */
export type ReplyPlace = {
  readonly chat: number;
  /** Id of the message to replace, or null. */
  readonly messageId: number | null;
  /** The message to replace shows a picture. */
  readonly isPicture: boolean;
  /** Id of the question to reply to, or null. */
  readonly replyTo: number | null;
};

/** Longest pause that Telegram may ask for, s. After a longer pause the answer would come too late and is dropped. */
const mostWaitSeconds = 20;

/** Creates the function that shows answers. It never rejects; a failure is only logged. */
export function createReply(deps: { sender: Sender; signal: AbortSignal; log: Log }) {
  const { sender, signal, log } = deps;

  /** Shows an answer and its follow-ups; resolves after the last of them. */
  return async function reply(place: ReplyPlace, answer: CommandAnswer): Promise<void> {
    let shown = await show(place, answer);
    for (let next = answer.follow; next !== undefined && shown !== null && !signal.aborted; ) {
      const later = await next(signal);
      if (later === null) return;
      shown = await show({ ...place, messageId: shown }, later);
      next = later.follow;
    }
  };

  /** Shows an answer and returns its message id; null if it cannot be shown. */
  async function show(place: ReplyPlace, answer: CommandAnswer): Promise<number | null> {
    const outcome = await attempt(place, answer);
    if (outcome.kind === "done") return outcome.messageId;
    if (outcome.kind === "wait" && outcome.seconds <= mostWaitSeconds && !signal.aborted) {
      await pause(outcome.seconds * 1000, signal);
      const second = signal.aborted ? outcome : await attempt(place, answer);
      if (second.kind === "done") return second.messageId;
    }
    if (!signal.aborted) log.debug("cannot show an answer on Telegram", { reason: problemText(outcome) });
    return null;
  }

  async function attempt(
    { chat, messageId, isPicture, replyTo }: ReplyPlace,
    answer: CommandAnswer,
  ): Promise<SendOutcome> {
    const { picture, ...rest } = answer;
    const message = { ...rest, replyTo };
    if (messageId !== null && picture === undefined && !isPicture) {
      const edited = await sender.edit(chat, messageId, message);
      if (edited.kind !== "gone") return edited;
    }
    if (messageId !== null && picture !== undefined && isPicture) {
      const shown = await sender.editPhoto(chat, messageId, picture, message);
      if (shown.kind !== "gone" && shown.kind !== "unacceptable") return shown;
    }
    // Telegram cannot turn a text into a picture or back, so a new message is sent.
    return picture === undefined ? sender.send(chat, message) : sender.sendPhoto(chat, picture, message);
  }
}
