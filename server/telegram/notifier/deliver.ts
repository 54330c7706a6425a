import type { Incident } from "../../domain/incident.ts";
import type { Outgoing } from "../../domain/notification-state.ts";
import type { Letter, Outcome, Sender } from "../api/send-queue.ts";
import {
  incidentLetter,
  overLetter,
  overSeveralLetter,
  stillLetter,
  stillSeveralLetter,
  summaryLetter,
  worseLetter,
} from "../text/incident-message.ts";
import type { Speech } from "../text/incident-phrases.ts";
import { type Step, shownOf, type Told } from "./next-step.ts";

/** What a delivery needs to know besides its step. */
export type Delivery = {
  /** Where it goes. */
  readonly chat: number;
  readonly speech: Speech;
  readonly mutedUntilUs: (incident: Incident) => number | null;
  readonly outage: { readonly fromUs: number; readonly toUs: number } | null;
  /** Incidents that nobody was told of and that are known by their number alone. */
  readonly forgotten: number;
  readonly save: (row: Outgoing) => void;
  readonly remove: (row: Outgoing) => void;
};

/** Mark of a message that Telegram will never take, or that went without its id. */
const noMessage = 0;

/** Does one step, and writes down what came of it; null where nothing had to be sent for it. */
export async function deliver(step: Step, sender: Sender, delivery: Delivery): Promise<Outcome | null> {
  const { chat, speech, save, remove } = delivery;
  const nowUs = speech.nowUs;

  async function tell({ row, incident }: Told): Promise<Outcome> {
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

  async function summary(all: readonly Told[]): Promise<Outcome> {
    const open = all.filter(({ incident }) => incident.to_us === null);
    const over = all.filter(({ incident }) => incident.to_us !== null);
    const letter = summaryLetter(
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
  function outageOf(all: readonly Told[]): Delivery["outage"] {
    const { outage } = delivery;
    return outage !== null && all.some(({ incident }) => incident.from_us < outage.toUs) ? outage : null;
  }

  function noteTold(row: Outgoing, isSilent: boolean): void {
    row.sentUs = nowUs;
    row.soundUs = isSilent ? row.soundUs : nowUs;
    row.isWorse = false;
    save(row);
  }

  function noteShown({ row, incident }: Told, letter: Letter): void {
    row.shown = shownOf(incident, hashOf(letter));
    row.shownUs = nowUs;
    save(row);
  }

  async function change({ row, incident }: Told): Promise<Outcome> {
    const letter = letterOf(incident);
    const messageId = row.messageId ?? noMessage;
    const outcome = await sender.edit(chat, messageId, letter);
    const isLost = outcome.kind === "gone" || outcome.kind === "unacceptable";
    if (isLost && row.form === "own") row.form = "lost";
    if (outcome.kind === "done" || isLost) noteShown({ row, incident }, letter);
    if (outcome.kind === "done" && row.form === "closed" && row.repeatId !== null)
      await sender.edit(chat, row.repeatId, overLetter(incident, true, speech, messageId));
    return outcome;
  }

  async function worse({ row, incident }: Told): Promise<Outcome> {
    const outcome = await sender.send(chat, worseLetter(incident, speech, row.messageId ?? noMessage));
    if (isSettled(outcome)) {
      row.isWorse = false;
      row.soundUs = nowUs;
      save(row);
    }
    return outcome;
  }

  async function repeat(all: readonly Told[]): Promise<Outcome> {
    const [first] = all;
    const isAlone = all.length === 1 && first !== undefined;
    const incidents = all.map(({ incident }) => incident);
    const letter = isAlone
      ? stillLetter(first.incident, speech, first.row.messageId ?? noMessage)
      : stillSeveralLetter(incidents, speech);
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

  async function over(all: readonly Told[], isSaid: boolean): Promise<Outcome | null> {
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

  function overLetterOf(all: readonly Told[]): Letter {
    const [first] = all;
    const messageId = first?.row.messageId ?? noMessage;
    if (all.length === 1 && first !== undefined)
      return overLetter(first.incident, first.row.form === "own", speech, messageId);
    const isOneSummary = all.every(({ row }) => row.messageId === messageId);
    const incidents = all.map(({ incident }) => incident);
    return overSeveralLetter(incidents, speech, isOneSummary ? messageId : null);
  }

  function letterOf(incident: Incident): Letter {
    return incidentLetter(incident, speech, delivery.mutedUntilUs(incident));
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
export function hashOf({ html, buttons }: Letter): string {
  return Bun.hash(JSON.stringify([html, buttons])).toString(36);
}

/** It was taken, or never will be. */
function isSettled({ kind }: Outcome): boolean {
  return kind === "done" || kind === "unacceptable" || kind === "gone";
}
