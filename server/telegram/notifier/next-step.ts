import type { Incident } from "../../domain/incidents/incident.ts";
import type { NotificationState } from "../../domain/notification-state.ts";
import { isPast } from "../text/incident-phrases.ts";
import { repeatDueUs, toRepeat } from "./reminders.ts";

/** An incident and its notification state in a chat. */
export type ChatIncident = { readonly row: NotificationState; readonly incident: Incident };

/** The next action in a chat. */
export type Action =
  /** Send the incident's message, which also says if the incident is over. */
  | { readonly kind: "tell"; readonly told: ChatIncident }
  /** Send several unsent incidents in a single message. */
  | { readonly kind: "summary"; readonly all: readonly ChatIncident[] }
  /** Remove the row: the incident needs no further message. */
  | { readonly kind: "forget"; readonly told: ChatIncident }
  | { readonly kind: "worse"; readonly told: ChatIncident }
  /** Edit the message to say that the incident is over. */
  | { readonly kind: "close"; readonly told: ChatIncident }
  /** Report the end; without a message if the edit is noticed anyway (`isSaid` false). */
  | { readonly kind: "over"; readonly all: readonly ChatIncident[]; readonly isSaid: boolean }
  | { readonly kind: "repeat"; readonly all: readonly ChatIncident[] }
  | { readonly kind: "refresh"; readonly told: ChatIncident };

/** For this time after an incident, backfill may still reduce its loss, µs. Its message is then edited silently. */
const correctedUs = 16 * 60_000_000;

/** Further inputs of the decision. */
export type Moment = {
  readonly nowUs: number;
  readonly isMuted: (incident: Incident) => boolean;
  /** True if the cause of an open incident is gone for now. Then no reminder is sent. */
  readonly isGone: (id: number) => boolean;
  /** True in the quiet hours, in which only critical incidents are repeated. */
  readonly isQuiet: boolean;
  /** True if the message is out of date and may be edited now. */
  readonly isOutdated: (told: ChatIncident) => boolean;
};

/** Up to this number, open incidents get separate messages; beyond it they share a message. */
const mostAtOnce = 5;

/** If an incident ends within this time after its message, µs, the reader is assumed to see the edit. */
const seenUs = 5 * 60_000_000;

/** Prefix of `shown` once the message says that the incident is over. */
const shownAsOver = "over ";

/** Returns the most urgent action of a chat, or null. Order: unsent, worse, over, reminders, edits. */
export function nextAction(all: readonly ChatIncident[], moment: Moment): Action | null {
  return untold(all, moment) ?? worse(all, moment) ?? over(all, moment) ?? repeat(all, moment) ?? refresh(all, moment);
}

/** Encodes a message's hash for `shown`. */
export function shownOf({ to_us }: Incident, hash: string): string {
  return to_us === null ? hash : shownAsOver + hash;
}

/** True if the chat has got no message about the incident. */
export function isUntold({ messageId }: NotificationState): boolean {
  return messageId === null;
}

function untold(all: readonly ChatIncident[], { isMuted }: Moment): Action | null {
  const waiting = all.filter(({ row }) => isUntold(row));
  const muted = waiting.find(({ incident }) => isOver(incident) && isMuted(incident));
  if (muted !== undefined) return { kind: "forget", told: muted };
  const due = waiting.filter(({ incident }) => !isMuted(incident));
  const open = due.filter(({ incident }) => !isOver(incident)).sort(byGravity);
  const ended = due.filter(({ incident }) => isOver(incident));
  if (open.length > mostAtOnce) return { kind: "summary", all: [...open, ...ended] };
  const [first] = open;
  if (first !== undefined) return { kind: "tell", told: first };
  if (ended.length > 1) return { kind: "summary", all: ended };
  return ended[0] === undefined ? null : { kind: "tell", told: ended[0] };
}

function worse(all: readonly ChatIncident[], { isMuted }: Moment): Action | null {
  const told = all.find(
    ({ row, incident }) => row.isWorse && !isOver(incident) && !isUntold(row) && !isMuted(incident),
  );
  return told === undefined ? null : { kind: "worse", told };
}

function over(all: readonly ChatIncident[], { nowUs, isMuted }: Moment): Action | null {
  const ended = all.filter(({ row, incident }) => isOver(incident) && !isUntold(row) && row.form !== "closed");
  const unchanged = ended.find(({ row }) => row.form === "own" && !row.shown.startsWith(shownAsOver));
  if (unchanged !== undefined) return { kind: "close", told: unchanged };
  const newest = Math.max(...all.map(({ row }) => row.messageId ?? 0));
  const isSeen = ({ row }: ChatIncident) =>
    row.form === "own" && row.repeats === 0 && row.messageId === newest && nowUs - row.sentUs < seenUs;
  const isNoNews = ({ incident }: ChatIncident) =>
    incident.severity === "info" || isPast(incident) || isMuted(incident);
  const quiet = ended.find((told) => isNoNews(told) || isSeen(told));
  if (quiet !== undefined) return { kind: "over", all: [quiet], isSaid: false };
  const [first] = ended;
  if (first === undefined) return null;
  return { kind: "over", all: ended.length > 3 ? ended : [first], isSaid: true };
}

function repeat(all: readonly ChatIncident[], { nowUs, isMuted, isGone, isQuiet }: Moment): Action | null {
  const candidates = all.flatMap((told) => {
    const { incident } = told;
    const isHeld = isMuted(incident) || isGone(incident.id) || (isQuiet && incident.severity !== "critical");
    const dueUs = isUntold(told.row) || isHeld ? null : repeatDueUs(told.incident, told.row);
    return dueUs === null ? [] : [{ row: told, dueUs }];
  });
  const due = toRepeat(candidates, nowUs).sort(byGravity);
  return due.length === 0 ? null : { kind: "repeat", all: due };
}

function refresh(all: readonly ChatIncident[], { nowUs, isOutdated }: Moment): Action | null {
  const closed = all.filter(({ row }) => row.form === "closed");
  const old = closed.find(({ incident }) => nowUs - (incident.to_us ?? nowUs) > correctedUs);
  if (old !== undefined) return { kind: "forget", told: old };
  const open = all.filter(({ row, incident }) => row.form === "own" && !isUntold(row) && !isOver(incident));
  const told = [...open, ...closed].find(isOutdated);
  return told === undefined ? null : { kind: "refresh", told };
}

function isOver({ to_us }: Incident): boolean {
  return to_us !== null;
}

const gravity = { critical: 0, warning: 1, info: 2 } as const;

function byGravity(a: ChatIncident, b: ChatIncident): number {
  return gravity[a.incident.severity] - gravity[b.incident.severity] || a.incident.from_us - b.incident.from_us;
}
