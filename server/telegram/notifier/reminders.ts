import type { Incident } from "../../domain/incidents/incident.ts";
import type { NotificationState } from "../../domain/notification-state.ts";
import { isPast } from "../text/incident-phrases.ts";

const hourUs = 3_600_000_000;

/** Pauses between an incident's sounds while nobody acknowledges it; the last one goes on. */
const pausesUs = [1, 2, 4, 8, 24].map((hours) => hours * hourUs);

/** What is due within this time of another reminder is told with it. */
const nearUs = 15 * 60_000_000;

/** When an incident is to be repeated to a chat, µs, or null where it is not: acknowledged, over, past, only good to know. */
export function repeatDueUs(
  incident: Incident,
  { soundUs, repeats }: Pick<NotificationState, "soundUs" | "repeats">,
): number | null {
  if (
    incident.to_us !== null ||
    isPast(incident) ||
    incident.acknowledged !== null ||
    incident.severity === "info" ||
    soundUs === 0
  )
    return null;
  return soundUs + (pausesUs[Math.min(repeats, pausesUs.length - 1)] ?? 0);
}

/** The rows to repeat now: none before one is due, then those that would follow soon as well. */
export function toRepeat<R>(rows: readonly { readonly row: R; readonly dueUs: number }[], nowUs: number): R[] {
  if (rows.every(({ dueUs }) => dueUs > nowUs)) return [];
  return rows.filter(({ dueUs }) => dueUs <= nowUs + nearUs).map(({ row }) => row);
}
