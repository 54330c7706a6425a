import type { Incident, Incidents } from "../../domain/incidents/incident.ts";
import { isUntold } from "./next-step.ts";
import type { Outbox } from "./outbox.ts";

/** Sees to it that no incident is left out, and that what waits stays bounded. */
export type Backlog = {
  /** An incident has opened. */
  note(incident: Incident): void;
  /** Call it once a second: what was muted as it opened and is not any more is told now. */
  look(): void;
  /** At a start: what opened or ended while nobody looked. */
  catchUp(): void;
  /** A chat has become another one, which knows nothing of what was told. */
  retell(chat: number): void;
  /** Incidents of which the chat was not told yet. */
  waiting(chat: number): number;
  /** How many of those were given up, as there were too many, and of which the chat was not told yet that they were. */
  forgotten(chat: number): number;
  clearForgotten(chat: number): void;
};

/** So many incidents at most wait for one chat; of more, the oldest that are over are counted only. */
const mostWaiting = 100;

/** So many are looked at after a start. */
const mostMissed = 200;

const newestNote = "newest incident";

/** Rows of the outbox for each chat's incidents. */
export function createBacklog(deps: {
  chats: readonly number[];
  incidents: Pick<Incidents, "open" | "get" | "page" | "isMuted">;
  outbox: Outbox;
}): Backlog {
  const { chats, incidents, outbox } = deps;

  function add(incident: Incident): void {
    if (incidents.isMuted(incident)) return;
    for (const chat of chats) if (!outbox.has(chat, incident.id) && hasRoom(chat)) outbox.add(chat, incident.id);
  }

  /** Makes room for one more if need be; false while everything that waits still lasts. */
  function hasRoom(chat: number): boolean {
    const waiting = outbox.of(chat).filter(isUntold);
    if (waiting.length < mostWaiting) return true;
    const row = waiting.find(({ incident }) => incidents.get(incident)?.to_us !== null);
    if (row === undefined) return false;
    outbox.remove(row);
    outbox.setNote(forgottenNote(chat), String(forgotten(chat) + 1));
    return true;
  }

  function forgotten(chat: number): number {
    return Number(outbox.note(forgottenNote(chat)) ?? 0);
  }

  function noteNewest(id: number): void {
    if (id > Number(outbox.note(newestNote) ?? 0)) outbox.setNote(newestNote, String(id));
  }

  /** What ended before anybody could be told, newest first. */
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
    note(incident) {
      add(incident);
      noteNewest(incident.id);
    },
    look() {
      for (const incident of incidents.open()) add(incident);
    },
    catchUp() {
      const newest = outbox.note(newestNote);
      // A chat that is told for the first time is not told the past.
      const past = newest === null ? [] : [...missed(Number(newest))].reverse();
      for (const incident of [...past, ...incidents.open()]) {
        add(incident);
        noteNewest(incident.id);
      }
      if (newest === null) noteNewest(incidents.page(1, null).items[0]?.id ?? 0);
    },
    retell(chat) {
      for (const row of outbox.of(chat)) {
        if (isUntold(row)) continue;
        outbox.remove(row);
        if (incidents.get(row.incident)?.to_us === null) outbox.add(chat, row.incident);
      }
    },
    waiting: (chat) => outbox.of(chat).filter(isUntold).length,
    forgotten,
    clearForgotten(chat) {
      if (forgotten(chat) > 0) outbox.setNote(forgottenNote(chat), "0");
    },
  };
}

function forgottenNote(chat: number): string {
  return `telegram chat ${chat}: not told`;
}
