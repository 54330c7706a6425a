import type { Database } from "bun:sqlite";
import type { GapCause } from "../../domain/gap.ts";
import type { Incident, KeptIncidents, Mute } from "../../domain/incidents/incident.ts";

/** Stores incidents and mutes across runs, and computes their cost. Methods throw SQLite's errors. */
export type IncidentStore = KeptIncidents & {
  /** The cost of gaps with these causes that touch [fromUs, toUs], per stream. */
  costs(causes: readonly GapCause[], fromUs: number, toUs: number): readonly StreamCost[];
};

/** The data that a stream lost in gaps. */
export type StreamCost = {
  /** Folder name. */
  readonly stream: string;
  readonly symbol: string;
  /** Time of gaps whose missing records cannot be counted, µs. */
  readonly uncounted_us: number;
  /** Number of gaps with counted missing records, and how many of these records were not backfilled (`absent`). */
  readonly counted: number;
  readonly absent: number;
};

/** Number of ended incidents that are kept. */
const mostEnded = 2000;

const schema = `
  create table if not exists incident (
    id integer primary key, rule text not null, from_us integer not null, to_us integer, body text not null
  ) strict;
  create index if not exists incident_by_end on incident (to_us);
  create table if not exists mute (
    id integer primary key, rule text, symbol text, from_us integer not null, until_us integer not null, by text not null, kind text not null
  ) strict;
`;

type Row = { readonly body: string };

/** Creates the access to the tables of incidents and mutes; needs the table `gap`. */
export function createIncidentStore(database: Database): IncidentStore {
  database.run(schema);
  const open = database.query<Row, []>("select body from incident where to_us is null order by id");
  const ended = database.query<Row, [number]>(
    "select body from (select id, body from incident where to_us >= ? order by id desc limit 200) order by id",
  );
  const last = database.query<{ id: number | null }, []>("select max(id) as id from incident");
  const save = database.query(
    "insert into incident (id, rule, from_us, to_us, body) values (?, ?, ?, ?, ?) " +
      "on conflict do update set to_us = excluded.to_us, body = excluded.body",
  );
  const forget = database.query(
    "delete from incident where to_us is not null and id <= " +
      `(select id from incident where to_us is not null order by id desc limit 1 offset ${mostEnded})`,
  );
  const byId = database.query<Row, [number]>("select body from incident where id = ?");
  const page = database.query<Row, [number, number]>("select body from incident where id < ? order by id desc limit ?");
  const mutes = database.query<Mute, []>("select id, rule, symbol, from_us, until_us, by, kind from mute order by id");
  const saveMute = database.query("insert or replace into mute values (?, ?, ?, ?, ?, ?, ?)");
  const removeMute = database.query("delete from mute where id = ?");
  const costs = database.query<StreamCost, [Record<string, string | number>]>(`
    select stream, symbol, sum(case when missing is null then min(to_us, $to) - max(from_us, $from) else 0 end) as uncounted_us,
      count(missing) as counted, coalesce(sum(max(0, missing - repaired)), 0) as absent
    from gap where to_us > $from and from_us < $to and cause in (select value from json_each($causes)) group by stream, symbol`);
  const parse = ({ body }: Row): Incident => JSON.parse(body);

  return {
    open: () => open.all().map(parse),
    endedSince: (sinceUs) => ended.all(sinceUs).map(parse),
    lastId: () => last.get()?.id ?? 0,
    save(incident) {
      const { id, rule, from_us, to_us } = incident;
      save.run(id, rule, from_us, to_us, JSON.stringify(incident));
      if (to_us !== null) forget.run();
    },
    get(id) {
      const row = byId.get(id);
      return row === null ? null : parse(row);
    },
    page(limit, after) {
      const before = /^\d{1,15}$/.test(after ?? "") ? Number(after) : Number.MAX_SAFE_INTEGER;
      const items = page.all(before, limit + 1).map(parse);
      return { items: items.slice(0, limit), next: items.length > limit ? String(items[limit - 1]?.id) : null };
    },
    mutes: () => mutes.all(),
    saveMute: ({ id, rule, symbol, from_us, until_us, by, kind }) =>
      void saveMute.run(id, rule, symbol, from_us, until_us, by, kind),
    removeMute: (id) => void removeMute.run(id),
    costs: (causes, fromUs, toUs) => costs.all({ causes: JSON.stringify(causes), from: fromUs, to: toUs }),
  };
}
