import type { NotificationState, NotificationStore } from "../../domain/notification-state.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";

/** Tracks sent and pending notifications of every chat: in memory, and saved at each change. */
export type Outbox = {
  /** Loads the saved rows of these chats and deletes the rows of other chats. */
  load(chats: readonly number[]): void;
  /** Rows of a chat, oldest incident first. */
  of(chat: number): readonly NotificationState[];
  /** Adds an incident for a chat; has no effect if it is already there. */
  add(chat: number, incident: number): void;
  has(chat: number, incident: number): boolean;
  save(row: NotificationState): void;
  remove(row: NotificationState): void;
  readValue(name: string): string | null;
  saveValue(name: string, value: string): void;
};

/** Creates the outbox. If the catalogue cannot be written, messages are still sent, but their state is lost at a restart. */
export function createOutbox(store: () => NotificationStore, log: Log): Outbox {
  const rows = new Map<number, Map<number, NotificationState>>();
  const notes = new Map<string, string | null>();
  let isFailureLogged = false;

  function attempt(work: () => void): void {
    try {
      work();
      isFailureLogged = false;
    } catch (error) {
      if (!isFailureLogged) log.warn("cannot save the state of Telegram messages", { reason: messageOf(error) });
      isFailureLogged = true;
    }
  }

  return {
    load(chats) {
      for (const chat of chats) rows.set(chat, new Map());
      attempt(() => {
        for (const row of store().all()) {
          const chatRows = rows.get(row.chat);
          if (chatRows === undefined) store().remove(row);
          else chatRows.set(row.incident, row);
        }
      });
    },
    of: (chat) => [...(rows.get(chat)?.values() ?? [])],
    has: (chat, incident) => rows.get(chat)?.has(incident) === true,
    add(chat, incident) {
      const chatRows = rows.get(chat);
      if (chatRows === undefined || chatRows.has(incident)) return;
      const sent = { shown: "", shownUs: 0, sentUs: 0, soundUs: 0, repeats: 0, repeatId: null, isWorse: false };
      const row: NotificationState = { chat, incident, messageId: null, form: "own", ...sent };
      chatRows.set(incident, row);
      attempt(() => store().save(row));
    },
    save: (row) => attempt(() => store().save(row)),
    remove(row) {
      rows.get(row.chat)?.delete(row.incident);
      attempt(() => store().remove(row));
    },
    readValue(name) {
      attempt(() => {
        if (!notes.has(name)) notes.set(name, store().readValue(name));
      });
      return notes.get(name) ?? null;
    },
    saveValue(name, value) {
      notes.set(name, value);
      attempt(() => store().saveValue(name, value));
    },
  };
}
