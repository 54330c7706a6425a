import type { ConnectionStatus, Status } from "../domain/status.ts";
import { counter, type Family, gauge } from "./family.ts";

/** Builds the metrics of the connections to the exchange and of the clock offset. */
export function connectionFamilies(status: Status): readonly Family[] {
  const { connections, totals } = status;
  const each = (value: (connection: ConnectionStatus) => number | null) =>
    connections.map((connection) => [value(connection), labelsOf(connection)] as const);
  return [
    gauge(
      "rt_data_connection_open",
      "1 while the connection to the exchange is open.",
      ...each(({ state }) => (state === "open" ? 1 : 0)),
    ),
    gauge(
      "rt_data_connection_since_timestamp_seconds",
      "When the connection entered its current state.",
      ...each(({ since_us }) => since_us / 1e6),
    ),
    gauge(
      "rt_data_connection_rollover_timestamp_seconds",
      "When the connection is due for rollover.",
      ...each(({ rollover_us }) => (rollover_us === null ? null : rollover_us / 1e6)),
    ),
    gauge(
      "rt_data_connection_last_receive_timestamp_seconds",
      "When the connection last delivered a message.",
      ...each(({ last_recv_us }) => (last_recv_us === null ? null : last_recv_us / 1e6)),
    ),
    gauge("rt_data_connection_streams", "Streams on the connection.", ...each(({ streams }) => streams)),
    counter("rt_data_reconnects", "Unplanned replacements of a connection.", [totals.reconnects]),
    counter("rt_data_rollovers", "Planned replacements of a connection (rollovers).", [totals.rollovers]),
    gauge("rt_data_clock_offset_seconds", "Local clock minus exchange clock.", [inSeconds(status.clock_offset_ms)]),
    gauge("rt_data_clock_offset_bound_seconds", "Maximum error of the clock offset.", [
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
