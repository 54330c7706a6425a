import { computed, useComputed } from "@preact/signals";
import type { ConnectionStatus, Status } from "../../../../server/domain/status.ts";
import { age, duration, number } from "../../present/format.ts";
import { shortClock, zoneName } from "../../present/time.ts";
import { status } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";
import { FigureRow } from "./figure-row.tsx";
import { Services } from "./services.tsx";
import { Tie } from "./tie.tsx";
import { Value } from "./value.tsx";

const ids = computed(() => (status.value?.connections ?? []).map((connection) => connection.id).join());
const stateWords = { open: "stateOpen", connecting: "stateConnecting", waiting: "stateWaiting" } as const;

/** The sockets to the exchange, the clock, and the services that are set up. */
export function Connections() {
  const list = ids.value === "" ? [] : ids.value.split(",").map(Number);
  return (
    <section class="panel quiet-panel" aria-labelledby="connections-title">
      <header>
        <h2 id="connections-title">{t("connections")}</h2>
        <span class="end">
          <Value read={openOf} />
        </span>
      </header>
      <ul class="rows connections">
        {list.length === 0 && <li>{status.value === null ? "" : t("noConnections")}</li>}
        {list.map((id) => (
          <Connection key={id} id={id} />
        ))}
        <FigureRow label={t("nextRollover")} read={rollover} />
        <FigureRow label={t("clock")} read={clock} />
        <Services />
        <FigureRow label={t("reconnectsSinceStart")} read={({ totals }) => number(totals.reconnects)} isExtra />
        <FigureRow label={t("duplicates")} read={({ totals }) => number(totals.duplicates)} isExtra />
        <FigureRow label={t("quarantined")} read={({ totals }) => number(totals.quarantined)} isExtra />
      </ul>
    </section>
  );
}

function Connection({ id }: { id: number }) {
  const connection = useComputed(() => status.value?.connections.find((candidate) => candidate.id === id));
  const of = (read: (connection: ConnectionStatus, nowUs: number) => string) =>
    useComputed(() => (connection.value === undefined ? "" : read(connection.value, status.value?.now_us ?? 0)));
  const state = of((c) => c.state);
  const name = of((c) => c.host);
  const since = of((c, now) => {
    const time = duration((now - c.since_us) / 1e6);
    return c.role === "successor" ? t("roleSuccessor") : t("stateFor", { state: t(stateWords[c.state]), time });
  });
  const detail = of((c, now) =>
    [
      t(c.streams === 1 ? "streamsOne" : "streamsCount", { n: number(c.streams) }),
      ...(c.last_recv_us === null ? [] : [t("lastMessage", { age: age(now, c.last_recv_us) })]),
    ].join(" · "),
  );
  const problem = of((c) => c.last_error ?? "");
  return <Tie texts={{ state, name, since, detail, problem }} />;
}

function openOf({ connections }: Status): string {
  const open = connections.filter(({ state }) => state === "open").length;
  return connections.length === 0 ? "" : t("nOpen", { n: number(open), all: number(connections.length) });
}

function rollover({ connections }: Status): string {
  const times = connections.flatMap(({ rollover_us }) => (rollover_us === null ? [] : [rollover_us]));
  return times.length === 0 ? "–" : `${shortClock(Math.min(...times))} ${zoneName()}`;
}

function clock({ clock_offset_ms, clock_offset_bound_ms }: Status): string {
  if (clock_offset_ms === null || clock_offset_bound_ms === null) return t("clockUnknown");
  const offset = `${clock_offset_ms < 0 ? "−" : "+"}${number(Math.abs(clock_offset_ms), 1)}`;
  return t("clockOffset", { offset, bound: number(clock_offset_bound_ms, 1) });
}
