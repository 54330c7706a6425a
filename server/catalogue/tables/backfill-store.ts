import type { Database } from "bun:sqlite";
import type { BackfillStore, StoredBackfill } from "../../domain/missing-ids.ts";

const schema = `
  create table if not exists hole (
    stream text not null, symbol text not null, from_id integer not null, to_id integer not null,
    from_us integer not null, to_us integer not null, cause text not null,
    next_id integer not null, fetched integer not null,
    primary key (stream, symbol, from_id)
  ) strict, without rowid;
`;

/** Creates the store of missing ids in an open catalogue; its methods throw SQLite's errors. */
export function createBackfillStore(database: Database): BackfillStore {
  database.run(schema);
  const select = database.query<StoredBackfill, []>(
    "select stream, symbol, from_id as fromId, to_id as toId, from_us as fromUs, to_us as toUs, cause, " +
      "next_id as nextId, fetched from hole order by from_us, stream, symbol, from_id",
  );
  const upsert = database.query(
    "insert into hole values (?, ?, ?, ?, ?, ?, ?, ?, ?) " +
      "on conflict do update set next_id = excluded.next_id, fetched = excluded.fetched",
  );
  const remove = database.query("delete from hole where stream = ? and symbol = ? and from_id = ?");

  return {
    all: () => select.all(),
    save({ stream, symbol, fromId, toId, fromUs, toUs, cause, nextId, fetched }) {
      upsert.run(stream, symbol, fromId, toId, fromUs, toUs, cause, nextId, fetched);
    },
    remove: ({ stream, symbol, fromId }) => void remove.run(stream, symbol, fromId),
  };
}
