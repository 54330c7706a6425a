import type { Incident } from "../../domain/incidents/incident.ts";
import type { NotificationState } from "../../domain/notification-state.ts";
import type { ChatMessage, SendOutcome, SendQueue } from "../api/send-queue.ts";
import {
  incidentMessage,
  overMessage,
  overSeveralMessage,
  stillMessage,
  stillSeveralMessage,
  summaryMessage,
  worseMessage,
} from "../text/incident-message.ts";
import type { Speech } from "../text/incident-phrases.ts";
import { type Action, type ChatIncident, shownOf } from "./next-step.ts";

/** What a delivery needs to know besides its step. */
export type Delivery = {
  /** Where it goes. */
  readonly chat: number;
  readonly speech: Speech;
  readonly mutedUntilUs: (incident: Incident) => number | null;
  readonly outage: { readonly fromUs: number; readonly toUs: number } | null;
  /** Incidents that nobody was told of and that are known by their number alone. */
  readonly forgotten: number;
  readonly save: (row: NotificationState) => void;
  readonly remove: (row: NotificationState) => void;
};

/** Mark of a message that Telegram will never take, or that went without its id. */
const noMessage = 0;

/** Does one step, and writes down what came of it; null where nothing had to be sent for it. */
export async function deliver(step: Action, sender: SendQueue, delivery: Delivery): Promise<SendOutcome | null> {
  const { chat, speech, save, remove } = delivery;
  const nowUs = speech.nowUs;

  async function tell({ row, incident }: ChatIncident): Promise<SendOutcome> {
    const letter = letterOf(incident);
    let outcome = await sender.send(chat, letter);
    // Its first line alone is better than nothing.
    if (outcome.kind === "unacceptable")
      outcome = await sender.send(chat, { html: letter.html.split("\n")[0] ?? "", silent: letter.silent === true });
    if (outcome.kind !== "done" && outcome.kind !== "unacceptable") return outcome;
    row.messageId = outcome.kind === "done" ? outcome.messageId : noMessage;
    row.form = outcome.kind === "done" ? "own" : "lost";
    // What is over already, and was told so, needs no further word.
    if (incident.to_us !== null) row.form = "closed";
    noteShown({ row, incident }, letter);
    noteTold(row, letter.silent === true);
    return outcome;
  }

  async function summary(all: readonly ChatIncident[]): Promise<SendOutcome> {
    const open = all.filter(({ incident }) => incident.to_us === null);
    const over = all.filter(({ incident }) => incident.to_us !== null);
    const letter = summaryMessage(
      {
        unreachable: outageOf(all),
        open: open.map(({ incident }) => incident),
        over: over.map(({ incident }) => incident),
        forgotten: delivery.forgotten,
      },
      speech,
    );
    const outcome = await sender.send(chat, letter);
    if (outcome.kind !== "done" && outcome.kind !== "unacceptable") return outcome;
    for (const { row } of over) remove(row);
    for (const { row } of open) {
      row.messageId = outcome.kind === "done" ? outcome.messageId : noMessage;
      row.form = "summary";
      noteTold(row, letter.silent === true);
    }
    return outcome;
  }

  /** Where Telegram was out of reach while one of these began. */
  function outageOf(all: readonly ChatIncident[]): Delivery["outage"] {
    const { outage } = delivery;
    return outage !== null && all.some(({ incident }) => incident.from_us < outage.toUs) ? outage : null;
  }

  function noteTold(row: NotificationState, isSilent: boolean): void {
    row.sentUs = nowUs;
    row.soundUs = isSilent ? row.soundUs : nowUs;
    row.isWorse = false;
    save(row);
  }

  function noteShown({ row, incident }: ChatIncident, letter: ChatMessage): void {
    row.shown = shownOf(incident, hashOf(letter));
    row.shownUs = nowUs;
    save(row);
  }

  async function change({ row, incident }: ChatIncident): Promise<SendOutcome> {
    const letter = letterOf(incident);
    const messageId = row.messageId ?? noMessage;
    const outcome = await sender.edit(chat, messageId, letter);
    const isLost = outcome.kind === "gone" || outcome.kind === "unacceptable";
    if (isLost && row.form === "own") row.form = "lost";
    if (outcome.kind === "done" || isLost) noteShown({ row, incident }, letter);
    if (outcome.kind === "done" && row.form === "closed" && row.repeatId !== null)
      await sender.edit(chat, row.repeatId, overMessage(incident, true, speech, messageId));
    return outcome;
  }

  async function worse({ row, incident }: ChatIncident): Promise<SendOutcome> {
    const outcome = await sender.send(chat, worseMessage(incident, speech, row.messageId ?? noMessage));
    if (isSettled(outcome)) {
      row.isWorse = false;
      row.soundUs = nowUs;
      save(row);
    }
    return outcome;
  }

  async function repeat(all: readonly ChatIncident[]): Promise<SendOutcome> {
    const [first] = all;
    const isAlone = all.length === 1 && first !== undefined;
    const incidents = all.map(({ incident }) => incident);
    const letter = isAlone
      ? stillMessage(first.incident, speech, first.row.messageId ?? noMessage)
      : stillSeveralMessage(incidents, speech);
    const outcome = await sender.send(chat, letter);
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
    const outcome = isSaid ? await sender.send(chat, overLetterOf(all)) : null;
    if (outcome !== null && !isSettled(outcome)) return outcome;
    for (const { row } of all) {
      const reminder = row.repeatId;
      if (row.form === "own") {
        row.form = "closed";
        row.repeatId = all.length === 1 && outcome?.kind === "done" ? outcome.messageId : null;
        save(row);
      } else remove(row);
      // A reminder that something goes on would be wrong from now on.
      if (reminder !== null) await sender.remove(chat, reminder);
    }
    return outcome;
  }

  function overLetterOf(all: readonly ChatIncident[]): ChatMessage {
    const [first] = all;
    const messageId = first?.row.messageId ?? noMessage;
    if (all.length === 1 && first !== undefined)
      return overMessage(first.incident, first.row.form === "own", speech, messageId);
    const isOneSummary = all.every(({ row }) => row.messageId === messageId);
    const incidents = all.map(({ incident }) => incident);
    return overSeveralMessage(incidents, speech, isOneSummary ? messageId : null);
  }

  function letterOf(incident: Incident): ChatMessage {
    return incidentMessage(incident, speech, delivery.mutedUntilUs(incident));
  }

  switch (step.kind) {
    case "tell":
      return tell(step.told);
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

/** What a message shows, in short. */
export function hashOf({ html, buttons }: ChatMessage): string {
  return Bun.hash(JSON.stringify([html, buttons])).toString(36);
}

/** It was taken, or never will be. */
function isSettled({ kind }: SendOutcome): boolean {
  return kind === "done" || kind === "unacceptable" || kind === "gone";
}
