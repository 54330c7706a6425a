import type { CompleteFault } from "./fault.ts";
import type { Effect, Ending, FaultTarget } from "./hooks.ts";

/** Begins a fault that acts on sockets, the port or the listing; null if the fault is of another sort. */
export function createConnectionFault(fault: CompleteFault, target: FaultTarget, onHit: () => void): Effect | null {
  switch (fault.kind) {
    case "close":
      return onEach(fault.connection, target, (id) => hit(() => target.end(id, endingOf(fault.code, fault.reason))));
    case "reset":
      return onEach(fault.connection, target, (id) => hit(() => target.end(id, "terminate")));
    case "odd-control":
      return onEach(fault.connection, target, (id) => hit(() => sendOddControl(id, target)));
    case "shutdown": {
      const announced = target.ids().filter((id) => fault.connection === null || fault.connection === id);
      for (const id of announced) hit(() => target.announce(id));
      // Outlives the fault: announced connections end in any case.
      setTimeout(() => {
        for (const id of announced) target.end(id, endingOf(fault.code, ""));
      }, fault.lead_ms);
      return {};
    }
    case "symbol-status": {
      const { symbol, status } = fault;
      if (symbol === null) return {};
      hit(() => target.setStatus(symbol, status));
      return { end: () => target.setStatus(symbol, "TRADING") };
    }
    case "refused-port":
      hit(() => target.closePort());
      return { end: () => target.openPort() };
    default:
      return null;
  }

  function hit(act: () => void): void {
    onHit();
    act();
  }
}

/** Does something to every connection that is open, and to those that are opened while the fault lasts. */
function onEach(only: number | null, target: FaultTarget, act: (connection: number) => void): Effect {
  const opened = (connection: number) => {
    if (only === null || only === connection) act(connection);
  };
  for (const connection of target.ids()) opened(connection);
  return { opened };
}

function endingOf(code: number, reason: string): Ending {
  return code === 0 ? "terminate" : { code, reason };
}

/** All of these are allowed (RFC 6455, 5.5): an unsolicited pong, a ping without a payload, and the longest payload. */
function sendOddControl(connection: number, target: FaultTarget): void {
  target.pong(connection, new TextEncoder().encode("unasked"));
  target.ping(connection, new Uint8Array(0));
  target.ping(connection, new Uint8Array(125).fill(0xff));
}
