import type { Database } from "bun:sqlite";
import type { NotificationState, NotificationStore } from "../../domain/notification-state.ts";

const schema = `
  create table if not exists outgoing (
    chat integer not null, incident integer not null, message_id integer, form text not null, shown text not null,
    shown_us integer not null, sent_us integer not null, sound_us integer not null, repeats integer not null,
    repeat_id integer, is_worse integer not null,
    primary key (chat, incident)
  ) strict, without rowid;
  create table if not exists notice (name text primary key, value text not null) strict, without rowid;
`;

type Row = Omit<NotificationState, "isWorse"> & { readonly isWorse: number };

/** Creates the store of outgoing notifications in an open catalogue. */
export function createNotificationStore(database: Database): NotificationStore {
  database.run(schema);
  const select = database.query<Row, []>(
    "select chat, incident, message_id as messageId, form, shown, shown_us as shownUs, sent_us as sentUs, " +
      "sound_us as soundUs, repeats, repeat_id as repeatId, is_worse as isWorse from outgoing order by incident, chat",
  );
  const upsert = database.query("insert or replace into outgoing values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const remove = database.query("delete from outgoing where chat = ? and incident = ?");
  const selectNote = database.query<{ value: string }, [string]>("select value from notice where name = ?");
  const upsertNote = database.query("insert or replace into notice values (?, ?)");

  return {
    all: () => select.all().map((row) => ({ ...row, isWorse: row.isWorse === 1 })),
    save(row) {
      const { chat, incident, messageId, form, shown, shownUs, sentUs, soundUs, repeats, repeatId, isWorse } = row;
      const times = [shownUs, sentUs, soundUs] as const;
      upsert.run(chat, incident, messageId, form, shown, ...times, repeats, repeatId, isWorse ? 1 : 0);
    },
    remove: ({ chat, incident }) => void remove.run(chat, incident),
    readValue: (name) => selectNote.get(name)?.value ?? null,
    saveValue: (name, value) => void upsertNote.run(name, value),
  };
}
