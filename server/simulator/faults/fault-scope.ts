import type { Random } from "../market/random.ts";
import type { FaultScope } from "./fault.ts";

/** Decides which frames a fault hits, and counts them. */
export type FaultScopeMatch = {
  /** Whether the fault concerns this connection and stream at all. */
  covers(connection: number, stream: string): boolean;
  /** Whether this frame, which the fault could change, is one it does change. */
  hits(connection: number, stream: string): boolean;
  count(): number;
};

/** Takes aim; the same random gives the same hits. */
export function createFaultScope(scope: FaultScope, random: Random): FaultScopeMatch {
  const { connection: only, stream: name, symbol, every, share, times } = scope;
  const prefix = symbol === null ? "" : `${symbol.toLowerCase()}@`;
  let seen = 0;
  let count = 0;

  function covers(connection: number, stream: string): boolean {
    return (only === null || only === connection) && (name === null || name === stream) && stream.startsWith(prefix);
  }

  return {
    covers,
    hits(connection, stream) {
      if ((times !== null && count >= times) || !covers(connection, stream)) return false;
      seen += 1;
      if (seen % every !== 0 || (share < 1 && !random.chance(share))) return false;
      count += 1;
      return true;
    },
    count: () => count,
  };
}
