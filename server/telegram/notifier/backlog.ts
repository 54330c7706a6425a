import type { Incident, Incidents } from "../../domain/incidents/incident.ts";
import type { IncidentSeverity } from "../../domain/incidents/incident-rules.ts";
import { isAtLeast } from "../../domain/incidents/quiet-hours.ts";
import { isUntold } from "./next-step.ts";
import type { Outbox } from "./outbox.ts";

/** Queues incidents per chat: every incident is queued or counted, and each queue is bounded. */
export type Backlog = {
  /** Queues an incident that has opened. */
  onOpened(incident: Incident): void;
  /** Call it once a second: queues open incidents whose mute has ended, or that have become severe enough. */
  addDue(): void;
  /** Call it at a start: queues incidents that opened or ended while the recorder was down. */
  catchUp(): void;
  /** Queues all open incidents again for a chat that has a new id. */
  requeue(chat: number): void;
  /** Number of queued incidents. */
  waiting(chat: number): number;
  /** Number of incidents that were dropped from the queue and not yet reported to the chat. */
  forgotten(chat: number): number;
  clearForgotten(chat: number): void;
};

/** Upper bound for queued incidents per chat. Beyond it the oldest ended incidents are only counted. */
const mostWaiting = 100;

/** Upper bound for incidents that `catchUp` reads. */
const mostMissed = 200;

const newestKey = "newest incident";

/** Creates the backlog over the outbox. */
export function createBacklog(deps: {
  chats: readonly number[];
  /** Less severe incidents are not queued; they are once they become severe enough. */
  minSeverity: IncidentSeverity;
  incidents: Pick<Incidents, "open" | "get" | "page" | "isMuted">;
  outbox: Outbox;
}): Backlog {
  const { chats, minSeverity, incidents, outbox } = deps;

  function add(incident: Incident): void {
    if (!isAtLeast(incident, minSeverity) || incidents.isMuted(incident)) return;
    for (const chat of chats) if (!outbox.has(chat, incident.id) && hasRoom(chat)) outbox.add(chat, incident.id);
  }

  /** Drops the oldest ended incident if the queue is full; false if all queued incidents are still open. */
  function hasRoom(chat: number): boolean {
    const waiting = outbox.of(chat).filter(isUntold);
    if (waiting.length < mostWaiting) return true;
    const row = waiting.find(({ incident }) => incidents.get(incident)?.to_us !== null);
    if (row === undefined) return false;
    outbox.remove(row);
    outbox.saveValue(forgottenKey(chat), String(forgotten(chat) + 1));
    return true;
  }

  function forgotten(chat: number): number {
    return Number(outbox.readValue(forgottenKey(chat)) ?? 0);
  }

  function saveNewest(id: number): void {
    if (id > Number(outbox.readValue(newestKey) ?? 0)) outbox.saveValue(newestKey, String(id));
  }

  /** Yields the incidents that ended before they were queued, newest first. */
  function* missed(afterId: number): Generator<Incident> {
    let after: string | null = null;
    for (let seen = 0; seen < mostMissed; ) {
      const { items, next } = incidents.page(50, after);
      for (const incident of items) {
        if (incident.id <= afterId) return;
        seen++;
        yield incident;
      }
      if (next === null || items.length === 0) return;
      after = next;
    }
  }

  return {
    onOpened(incident) {
      add(incident);
      saveNewest(incident.id);
    },
    addDue() {
      for (const incident of incidents.open()) add(incident);
    },
    catchUp() {
      const newest = outbox.readValue(newestKey);
      // Chats get no past incidents when notifications are set up for the first time.
      const past = newest === null ? [] : [...missed(Number(newest))].reverse();
      for (const incident of [...past, ...incidents.open()]) {
        add(incident);
        saveNewest(incident.id);
      }
      if (newest === null) saveNewest(incidents.page(1, null).items[0]?.id ?? 0);
    },
    requeue(chat) {
      for (const row of outbox.of(chat)) {
        if (isUntold(row)) continue;
        outbox.remove(row);
        if (incidents.get(row.incident)?.to_us === null) outbox.add(chat, row.incident);
      }
    },
    waiting: (chat) => outbox.of(chat).filter(isUntold).length,
    forgotten,
    clearForgotten(chat) {
      if (forgotten(chat) > 0) outbox.saveValue(forgottenKey(chat), "0");
    },
  };
}

function forgottenKey(chat: number): string {
  return `telegram chat ${chat}: not told`;
}
