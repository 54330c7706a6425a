import { until } from "../wait.ts";

/** A plain WebSocket client: its received messages, and its close. */
export type Client = {
  readonly socket: WebSocket;
  /** Text frames in order. */
  readonly received: string[];
  /** Payloads of pings, in order. */
  readonly pings: string[];
  readonly pongs: string[];
  closed(): { code: number; reason: string } | null;
  send(message: object | string): void;
  /** The next frame that the condition holds for, among those not yet looked at. */
  next(what: string, condition?: (text: string) => boolean): Promise<string>;
};

/** Connects and resolves when the socket is open. */
export async function connect(url: string): Promise<Client> {
  const socket = new WebSocket(url);
  const received: string[] = [];
  const pings: string[] = [];
  const pongs: string[] = [];
  let closed: { code: number; reason: string } | null = null;
  let seen = 0;
  socket.addEventListener("message", (event) => received.push(String(event.data)));
  socket.addEventListener("close", (event) => {
    closed = { code: event.code, reason: event.reason };
  });
  // Bun's client shows control frames as events; the DOM's types do not know them.
  const control = socket as unknown as {
    addEventListener(type: "ping" | "pong", listener: (event: { data: Uint8Array }) => void): void;
  };
  control.addEventListener("ping", (event) => pings.push(new TextDecoder().decode(event.data)));
  control.addEventListener("pong", (event) => pongs.push(new TextDecoder().decode(event.data)));
  await until(() => socket.readyState !== WebSocket.CONNECTING, `an answer from ${url.slice(0, 100)}`);
  return {
    socket,
    received,
    pings,
    pongs,
    closed: () => closed,
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    async next(what, condition = () => true) {
      let found: string | undefined;
      await until(() => {
        while (seen < received.length && found === undefined) {
          const text = received[seen++] as string;
          if (condition(text)) found = text;
        }
        return found !== undefined;
      }, what);
      return found as string;
    },
  };
}

/** A client that shakes hands and then neither reads nor answers until told to; `received` counts bytes. */
export async function connectPaused(port: number, path: string) {
  let received = 0;
  let closed = false;
  let upgraded = false;
  const tcp = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) =>
        void socket.write(
          `GET ${path} HTTP/1.1\r\nHost: exchange\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
        ),
      data(_, bytes) {
        upgraded = true;
        received += bytes.length;
      },
      close: () => {
        closed = true;
      },
    },
  });
  await until(() => upgraded, "the handshake");
  tcp.pause();
  return {
    received: () => received,
    closed: () => closed,
    resume: () => tcp.resume(),
    end: () => tcp.terminate(),
    /** Sends a pong of its own accord. */
    pong: (payload: string) => {
      const bytes = new TextEncoder().encode(payload);
      tcp.write(new Uint8Array([0x8a, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes]));
    },
  };
}
