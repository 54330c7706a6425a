import { isDoneWithin } from "../../platform/time/deadline.ts";
import { refusal } from "../protocol/control-message.ts";
import type { CompleteFault } from "./fault.ts";
import type { Effect } from "./hooks.ts";

/** Begins a fault that acts on HTTP; null if the fault is of another sort. */
export function createHttpFault(fault: CompleteFault, onHit: () => void): Effect | null {
  switch (fault.kind) {
    case "refuse-connect":
      return { connect: (connection) => (isMeant(fault.connection, connection) ? hit(refusal(fault.status)) : null) };
    case "rest-error":
      return {
        rest(url) {
          const symbol = url.searchParams.get("symbol");
          return fault.symbol === null || fault.symbol === symbol ? hit(refusal(fault.status)) : null;
        },
      };
    case "slow-handshake":
      return slowHandshake(fault.connection, fault.delay_ms, onHit);
    case "clock-offset":
      onHit();
      return { clockOffsetMs: fault.offset_ms };
    default:
      return null;
  }

  function hit(response: Response): Response {
    onHit();
    return response;
  }
}

/** Those that wait when the fault ends are let through then. */
function slowHandshake(only: number | null, delayMs: number, onHit: () => void): Effect {
  const over = Promise.withResolvers<void>();
  return {
    async connect(connection) {
      if (!isMeant(only, connection)) return null;
      onHit();
      await isDoneWithin(over.promise, delayMs);
      return null;
    },
    end: () => over.resolve(),
  };
}

function isMeant(only: number | null, connection: number): boolean {
  return only === null || only === connection;
}
