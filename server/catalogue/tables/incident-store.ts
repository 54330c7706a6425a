import type { Database } from "bun:sqlite";
import type { GapCause } from "../../domain/gap.ts";
import type { Incident, KeptIncidents, Mute } from "../../domain/incidents/incident.ts";

/** Incidents and mutes from one run to the next, and what incidents have cost; its methods throw where SQLite cannot. */
export type IncidentStore = KeptIncidents & {
  /** What the gaps of these causes that touch [fromUs, toUs] have cost each stream. */
  costs(causes: readonly GapCause[], fromUs: number, toUs: number): readonly StreamCost[];
};

/** What gaps have cost a stream. */
export type StreamCost = {
  /** Folder name. */
  readonly stream: string;
  readonly symbol: string;
  /** Time of gaps whose missing records nobody can count, µs. */
  readonly uncounted_us: number;
  /** Gaps whose missing records are counted, and how many of those were not refetched. */
  readonly counted: number;
  readonly absent: number;
};

/** Ended incidents that are kept. */
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

/** The tables of incidents and mutes; needs the table `gap`. */
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
  const one = database.query<Row, [number]>("select body from incident where id = ?");
  const page = database.query<Row, [number, number]>("select body from incident where id < ? order by id desc limit ?");
  const mutes = database.query<Mute, []>("select id, rule, symbol, from_us, until_us, by, kind from mute order by id");
  const saveMute = database.query("insert or replace into mute values (?, ?, ?, ?, ?, ?, ?)");
  const removeMute = database.query("delete from mute where id = ?");
  const costs = database.query<StreamCost, [Record<string, string | number>]>(`
    select stream, symbol, sum(case when missing is null then min(to_us, $to) - max(from_us, $from) else 0 end) as uncounted_us,
      count(missing) as counted, coalesce(sum(max(0, missing - repaired)), 0) as absent
    from gap where to_us > $from and from_us < $to and cause in (select value from json_each($causes)) group by stream, symbol`);
  const read = ({ body }: Row): Incident => JSON.parse(body);

  return {
    open: () => open.all().map(read),
    endedSince: (sinceUs) => ended.all(sinceUs).map(read),
    lastId: () => last.get()?.id ?? 0,
    save(incident) {
      const { id, rule, from_us, to_us } = incident;
      save.run(id, rule, from_us, to_us, JSON.stringify(incident));
      if (to_us !== null) forget.run();
    },
    get(id) {
      const row = one.get(id);
      return row === null ? null : read(row);
    },
    page(limit, after) {
      const before = /^\d{1,15}$/.test(after ?? "") ? Number(after) : Number.MAX_SAFE_INTEGER;
      const items = page.all(before, limit + 1).map(read);
      return { items: items.slice(0, limit), next: items.length > limit ? String(items[limit - 1]?.id) : null };
    },
    mutes: () => mutes.all(),
    saveMute: ({ id, rule, symbol, from_us, until_us, by, kind }) =>
      void saveMute.run(id, rule, symbol, from_us, until_us, by, kind),
    removeMute: (id) => void removeMute.run(id),
    costs: (causes, fromUs, toUs) => costs.all({ causes: JSON.stringify(causes), from: fromUs, to: toUs }),
  };
}
