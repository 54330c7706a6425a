import type { Incident } from "../../domain/incidents/incident.ts";
import type { NotificationState } from "../../domain/notification-state.ts";
import type { ChatMessage, Sender, SendOutcome } from "../api/bot-api.ts";
import { incidentMessage, overMessage, stillMessage, worseMessage } from "../text/incident-message.ts";
import type { Speech } from "../text/incident-phrases.ts";
import { overSeveralMessage, stillSeveralMessage, summaryMessage } from "../text/summary-message.ts";
import { type Action, type ChatIncident, shownOf } from "./next-step.ts";

/** The context of a delivery. */
export type Delivery = {
  /** Current id of the chat. */
  readonly chat: number;
  readonly speech: Speech;
  /** True in the quiet hours: only critical incidents make a sound. */
  readonly isQuiet: boolean;
  readonly mutedUntilUs: (incident: Incident) => number | null;
  readonly outage: { readonly fromUs: number; readonly toUs: number } | null;
  /** Number of incidents that were dropped from the queue unsent. */
  readonly forgotten: number;
  readonly save: (row: NotificationState) => void;
  readonly remove: (row: NotificationState) => void;
};

/** Message id if Telegram rejected the message or returned no id. */
const noMessage = 0;

/** Performs an action and saves its result; null if the action sends no message. */
export async function deliver(step: Action, sender: Sender, delivery: Delivery): Promise<SendOutcome | null> {
  const { chat, speech, save, remove } = delivery;
  const nowUs = speech.nowUs;

  async function sendNew({ row, incident }: ChatIncident): Promise<SendOutcome> {
    const message = hushed(messageOf(incident), [incident]);
    let outcome = await sender.send(chat, message);
    // If Telegram rejects the message, its first line may still be accepted.
    if (outcome.kind === "unacceptable")
      outcome = await sender.send(chat, { html: message.html.split("\n")[0] ?? "", silent: message.silent === true });
    if (outcome.kind !== "done" && outcome.kind !== "unacceptable") return outcome;
    row.messageId = outcome.kind === "done" ? outcome.messageId : noMessage;
    row.form = outcome.kind === "done" ? "own" : "lost";
    // The message already says that the incident is over.
    if (incident.to_us !== null) row.form = "closed";
    saveShown({ row, incident }, message);
    saveSent(row, message.silent === true);
    return outcome;
  }

  async function summary(all: readonly ChatIncident[]): Promise<SendOutcome> {
    const open = all.filter(({ incident }) => incident.to_us === null);
    const over = all.filter(({ incident }) => incident.to_us !== null);
    const summed = summaryMessage(
      {
        unreachable: outageOf(all),
        open: open.map(({ incident }) => incident),
        over: over.map(({ incident }) => incident),
        forgotten: delivery.forgotten,
      },
      speech,
    );
    const message = hushed(
      summed,
      open.map(({ incident }) => incident),
    );
    const outcome = await sender.send(chat, message);
    if (outcome.kind !== "done" && outcome.kind !== "unacceptable") return outcome;
    for (const { row } of over) remove(row);
    for (const { row } of open) {
      row.messageId = outcome.kind === "done" ? outcome.messageId : noMessage;
      row.form = "summary";
      saveSent(row, message.silent === true);
    }
    return outcome;
  }

  /** Takes the sound from a message in the quiet hours, unless an incident is critical. */
  function hushed(message: ChatMessage, incidents: readonly Incident[]): ChatMessage {
    const isLoud = !delivery.isQuiet || incidents.some(({ severity }) => severity === "critical");
    return isLoud ? message : { ...message, silent: true };
  }

  /** Returns the outage of Telegram if an incident of `all` began before its end; else null. */
  function outageOf(all: readonly ChatIncident[]): Delivery["outage"] {
    const { outage } = delivery;
    return outage !== null && all.some(({ incident }) => incident.from_us < outage.toUs) ? outage : null;
  }

  function saveSent(row: NotificationState, isSilent: boolean): void {
    row.sentUs = nowUs;
    row.soundUs = isSilent ? row.soundUs : nowUs;
    row.isWorse = false;
    save(row);
  }

  function saveShown({ row, incident }: ChatIncident, message: ChatMessage): void {
    row.shown = shownOf(incident, hashOf(message));
    row.shownUs = nowUs;
    save(row);
  }

  async function change({ row, incident }: ChatIncident): Promise<SendOutcome> {
    const message = messageOf(incident);
    const messageId = row.messageId ?? noMessage;
    const outcome = await sender.edit(chat, messageId, message);
    const isLost = outcome.kind === "gone" || outcome.kind === "unacceptable";
    if (isLost && row.form === "own") row.form = "lost";
    if (outcome.kind === "done" || isLost) saveShown({ row, incident }, message);
    if (outcome.kind === "done" && row.form === "closed" && row.repeatId !== null)
      await sender.edit(chat, row.repeatId, overMessage(incident, speech, messageId));
    return outcome;
  }

  async function worse({ row, incident }: ChatIncident): Promise<SendOutcome> {
    const message = hushed(worseMessage(incident, speech, row.messageId ?? noMessage), [incident]);
    const outcome = await sender.send(chat, message);
    if (isSettled(outcome)) {
      row.isWorse = false;
      if (message.silent !== true) row.soundUs = nowUs;
      save(row);
    }
    return outcome;
  }

  async function repeat(all: readonly ChatIncident[]): Promise<SendOutcome> {
    const [first] = all;
    const isAlone = all.length === 1 && first !== undefined;
    const incidents = all.map(({ incident }) => incident);
    const message = isAlone
      ? stillMessage(first.incident, speech, first.row.messageId ?? noMessage)
      : stillSeveralMessage(incidents, speech);
    const outcome = await sender.send(chat, message);
    if (!isSettled(outcome)) return outcome;
    for (const { row } of all) {
      const before = row.repeatId;
      row.soundUs = nowUs;
      row.repeats++;
      row.repeatId = isAlone && outcome.kind === "done" ? outcome.messageId : null;
      save(row);
      if (before !== null) await sender.remove(chat, before);
    }
    return outcome;
  }

  async function over(all: readonly ChatIncident[], isSaid: boolean): Promise<SendOutcome | null> {
    const outcome = isSaid ? await sender.send(chat, overMessageOf(all)) : null;
    if (outcome !== null && !isSettled(outcome)) return outcome;
    for (const { row } of all) {
      const reminder = row.repeatId;
      if (row.form === "own") {
        row.form = "closed";
        row.repeatId = all.length === 1 && outcome?.kind === "done" ? outcome.messageId : null;
        save(row);
      } else remove(row);
      // The reminder says that the incident continues, which is wrong now.
      if (reminder !== null) await sender.remove(chat, reminder);
    }
    return outcome;
  }

  function overMessageOf(all: readonly ChatIncident[]): ChatMessage {
    const [first] = all;
    const messageId = first?.row.messageId ?? noMessage;
    if (all.length === 1 && first !== undefined) return overMessage(first.incident, speech, messageId);
    const isOneSummary = all.every(({ row }) => row.messageId === messageId);
    const incidents = all.map(({ incident }) => incident);
    return overSeveralMessage(incidents, speech, isOneSummary ? messageId : null);
  }

  function messageOf(incident: Incident): ChatMessage {
    return incidentMessage(incident, speech, delivery.mutedUntilUs(incident));
  }

  switch (step.kind) {
    case "tell":
      return sendNew(step.told);
    case "summary":
      return summary(step.all);
    case "worse":
      return worse(step.told);
    case "close":
    case "refresh":
      return change(step.told);
    case "repeat":
      return repeat(step.all);
    case "over":
      return over(step.all, step.isSaid);
    case "forget":
      remove(step.told.row);
      return null;
  }
}

/** Returns a hash of a message's content. */
export function hashOf({ html, buttons }: ChatMessage): string {
  return Bun.hash(JSON.stringify([html, buttons])).toString(36);
}

/** True if Telegram has accepted the message or never will. */
function isSettled({ kind }: SendOutcome): boolean {
  return kind === "done" || kind === "unacceptable" || kind === "gone";
}
