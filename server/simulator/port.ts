import type { Server } from "bun";
import { listen, type PortHandlers, type TlsPair } from "./listen.ts";

/** A port that can be closed and had back. */
export type Port = {
  /** Listens. Throws an OperatorError if the port cannot be had. */
  open(): void;
  /** The port's number, once it was open. */
  number(): number;
  /** Closes the port for now. */
  shut(): void;
  /** Listens again where it was; tries until it can be had or `stop` is called. */
  reopen(): void;
  /** Closes the port for good; resolves when all is gone. */
  stop(): Promise<void>;
};

/** Between two attempts to have the port back, ms. */
const reopenMs = 50;

/** A port of this process; `open` opens it. */
export function createPort<Data>(
  at: { host: string; port: number; tls: TlsPair | undefined; deflate: boolean },
  handlers: PortHandlers<Data>,
): Port {
  let port = at.port;
  let server: Server<Data> | null = null;
  let retry: ReturnType<typeof setTimeout> | null = null;
  let isWanted = false;

  function open(): void {
    server = listen({ ...at, port }, handlers);
    port = server.port ?? port;
    isWanted = true;
  }

  function reopen(): void {
    if (!isWanted || server !== null) return;
    try {
      open();
    } catch {
      // Somebody else was given the port meanwhile; it may come free again.
      retry = setTimeout(reopen, reopenMs);
    }
  }

  async function close(): Promise<void> {
    if (retry !== null) clearTimeout(retry);
    retry = null;
    const listening = server;
    server = null;
    await listening?.stop(true);
  }

  return {
    open,
    number: () => port,
    shut: () => void close(),
    reopen,
    stop() {
      isWanted = false;
      return close();
    },
  };
}
