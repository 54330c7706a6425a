import http from "node:http";
import type { Server, ServerWebSocket } from "bun";
import { messageOf, OperatorError } from "../platform/errors.ts";

/** What happens on a port that speaks HTTP and WebSocket. */
export type PortHandlers<Data> = {
  /** Answers, or upgrades the request and returns undefined. */
  request(request: Request, server: Server<Data>): Response | undefined | Promise<Response | undefined>;
  open(socket: ServerWebSocket<Data>): void;
  /** A text frame; binary frames are read as text too. */
  text(socket: ServerWebSocket<Data>, text: string): void;
  /** A ping has come; it is answered already. */
  ping(socket: ServerWebSocket<Data>): void;
  pong(socket: ServerWebSocket<Data>, payload: string): void;
  /** The client has read some of the buffered bytes. */
  drain(socket: ServerWebSocket<Data>): void;
  close(socket: ServerWebSocket<Data>): void;
};

/** A certificate and its key, PEM. */
export type TlsPair = { readonly key: string; readonly cert: string };

/** 1024 stream names make a URL of 25 KB. */
const headBytes = 64 * 1024;

/** Opens the port (0: any free port). Sent frames are never dropped. @throws OperatorError if the port is not available. */
export function listen<Data>(
  at: { host: string; port: number; tls?: TlsPair | undefined; deflate?: boolean },
  handlers: PortHandlers<Data>,
): Server<Data> {
  // The runtime's own limit for the head of a request is 16 KB, and can be set for the whole process only.
  Object.assign(http, { maxHeaderSize: Math.max(http.maxHeaderSize, headBytes) });
  try {
    return Bun.serve<Data>({
      hostname: at.host,
      port: at.port,
      ...(at.tls === undefined ? {} : { tls: at.tls }),
      fetch: handlers.request,
      websocket: {
        idleTimeout: 0,
        sendPings: false,
        perMessageDeflate: at.deflate ? { compress: "shared", decompress: "shared" } : false,
        backpressureLimit: 0,
        maxPayloadLength: 1024 * 1024,
        open: handlers.open,
        message: (socket, message) => handlers.text(socket, String(message)),
        ping: handlers.ping,
        pong: (socket, payload) => handlers.pong(socket, payload.toString()),
        drain: handlers.drain,
        close: handlers.close,
      },
    });
  } catch (error) {
    const advice = "Give it another port, or 0 for any free one";
    throw new OperatorError(`the exchange cannot listen on ${at.host}:${at.port}: ${messageOf(error)}. ${advice}`, {
      cause: error,
    });
  }
}
