import type { ConnectionStatus, Status } from "../domain/status.ts";
import { counter, type Family, gauge } from "./family.ts";

/** The sockets to the exchange, and the clock that delays are measured by. */
export function connectionFamilies(status: Status): readonly Family[] {
  const { connections, totals } = status;
  const each = (value: (one: ConnectionStatus) => number | null) =>
    connections.map((one) => [value(one), labelsOf(one)] as const);
  return [
    gauge(
      "rt_data_connection_open",
      "1 while the socket to the exchange is open.",
      ...each(({ state }) => (state === "open" ? 1 : 0)),
    ),
    gauge(
      "rt_data_connection_since_timestamp_seconds",
      "When the socket came into its present state.",
      ...each(({ since_us }) => since_us / 1e6),
    ),
    gauge(
      "rt_data_connection_rollover_timestamp_seconds",
      "When the socket is to be replaced.",
      ...each(({ rollover_us }) => (rollover_us === null ? null : rollover_us / 1e6)),
    ),
    gauge(
      "rt_data_connection_last_receive_timestamp_seconds",
      "When the socket delivered last.",
      ...each(({ last_recv_us }) => (last_recv_us === null ? null : last_recv_us / 1e6)),
    ),
    gauge("rt_data_connection_streams", "Streams that the socket carries.", ...each(({ streams }) => streams)),
    counter("rt_data_reconnects", "Unplanned changes of connection.", [totals.reconnects]),
    counter("rt_data_rollovers", "Planned changes of connection.", [totals.rollovers]),
    gauge("rt_data_clock_offset_seconds", "Local clock minus the exchange's.", [inSeconds(status.clock_offset_ms)]),
    gauge("rt_data_clock_offset_bound_seconds", "What the offset may be wrong by.", [
      inSeconds(status.clock_offset_bound_ms),
    ]),
    counter("rt_data_clock_steps", "How often the system's clock was set.", [status.clock_steps]),
  ];
}

function labelsOf({ id, role, host }: ConnectionStatus) {
  return { connection: String(id), role, host };
}

function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
