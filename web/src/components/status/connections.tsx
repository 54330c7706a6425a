import { computed, useComputed } from "@preact/signals";
import type { ConnectionStatus } from "../../../../server/domain/status.ts";
import { age, duration, number } from "../../present/format.ts";
import { reasonOf } from "../../present/reason.ts";
import { shortClock, zoneName } from "../../present/time.ts";
import { status } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";
import { Tie } from "./tie.tsx";
import { Value } from "./value.tsx";

const ids = computed(() => (status.value?.connections ?? []).map((connection) => connection.id).join());
const stateWords = { open: "stateOpen", connecting: "stateConnecting", waiting: "stateWaiting" } as const;

/** The sockets to the exchange. */
export function Connections() {
  const list = ids.value === "" ? [] : ids.value.split(",").map(Number);
  return (
    <section class="panel" aria-labelledby="connections-title">
      <h2 id="connections-title">{t("connections")}</h2>
      {list.length === 0 && <p class="quiet">{t("noConnections")}</p>}
      <ul class="connections">
        {list.map((id) => (
          <Connection key={id} id={id} />
        ))}
      </ul>
      <p class="quiet">
        <Value
          read={({ totals }) =>
            t("counters", {
              reconnects: number(totals.reconnects),
              duplicates: number(totals.duplicates),
              quarantined: number(totals.quarantined),
            })
          }
        />
      </p>
    </section>
  );
}

function Connection({ id }: { id: number }) {
  const connection = useComputed(() => status.value?.connections.find((candidate) => candidate.id === id));
  const of = (read: (connection: ConnectionStatus, nowUs: number) => string) =>
    useComputed(() => (connection.value === undefined ? "" : read(connection.value, status.value?.now_us ?? 0)));
  const state = of((c) => c.state);
  const name = of((c) => c.host);
  const since = of(
    (c, now) => `${t(stateWords[c.state])} ${t("forTime", { time: duration((now - c.since_us) / 1e6) })}`,
  );
  const detail = of((c, now) =>
    [
      t("streamsCount", { n: number(c.streams) }),
      ...(c.role === "successor" ? [t("roleSuccessor")] : []),
      t("reconnects", { n: number(c.reconnects) }),
      ...(c.rollover_us === null ? [] : [t("nextRollover", { time: `${shortClock(c.rollover_us)} ${zoneName()}` })]),
      ...(c.last_recv_us === null ? [] : [t("lastMessage", { age: age(now, c.last_recv_us) })]),
    ].join(" · "),
  );
  const problem = of((c) => reasonOf(c.last_error ?? "").text);
  return <Tie texts={{ state, name, since, detail, problem }} />;
}
