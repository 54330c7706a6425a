import type { NotificationState, NotificationStore } from "../../domain/notification-state.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";

/** What every chat has been told and is still to be told: in memory, and written down at each change. */
export type Outbox = {
  /** Takes back what the process before has kept, for these chats alone. */
  load(chats: readonly number[]): void;
  /** Rows of a chat, oldest incident first. */
  of(chat: number): readonly NotificationState[];
  /** Begins to tell a chat of an incident; nothing where that has begun already. */
  add(chat: number, incident: number): void;
  has(chat: number, incident: number): boolean;
  save(row: NotificationState): void;
  remove(row: NotificationState): void;
  note(name: string): string | null;
  setNote(name: string, value: string): void;
};

/** The outbox of an open catalogue. A catalogue that cannot be written to costs its memory over a restart, not the messages. */
export function createOutbox(store: () => NotificationStore, log: Log): Outbox {
  const rows = new Map<number, Map<number, NotificationState>>();
  const notes = new Map<string, string | null>();
  let isTold = false;

  function attempt(work: () => void): void {
    try {
      work();
      isTold = false;
    } catch (error) {
      if (!isTold) log.warn("cannot write to the catalogue what Telegram was told", { reason: messageOf(error) });
      isTold = true;
    }
  }

  return {
    load(chats) {
      for (const chat of chats) rows.set(chat, new Map());
      attempt(() => {
        for (const row of store().all()) {
          const own = rows.get(row.chat);
          if (own === undefined) store().remove(row);
          else own.set(row.incident, row);
        }
      });
    },
    of: (chat) => [...(rows.get(chat)?.values() ?? [])],
    has: (chat, incident) => rows.get(chat)?.has(incident) === true,
    add(chat, incident) {
      const own = rows.get(chat);
      if (own === undefined || own.has(incident)) return;
      const sent = { shown: "", shownUs: 0, sentUs: 0, soundUs: 0, repeats: 0, repeatId: null, isWorse: false };
      const row: NotificationState = { chat, incident, messageId: null, form: "own", ...sent };
      own.set(incident, row);
      attempt(() => store().save(row));
    },
    save: (row) => attempt(() => store().save(row)),
    remove(row) {
      rows.get(row.chat)?.delete(row.incident);
      attempt(() => store().remove(row));
    },
    note(name) {
      attempt(() => {
        if (!notes.has(name)) notes.set(name, store().note(name));
      });
      return notes.get(name) ?? null;
    },
    setNote(name, value) {
      notes.set(name, value);
      attempt(() => store().setNote(name, value));
    },
  };
}
