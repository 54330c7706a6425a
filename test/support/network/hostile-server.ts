import { createServer, type Socket } from "node:net";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** Ways in which a server can keep a client busy, by the first part of the path that asks for them. */
export const hostileKinds = [
  "endless-body",
  "endless-chunks",
  "endless-headers",
  "endless-header",
  "endless-hints",
  "endless-gzip",
  "gzip-bomb",
  "brotli-bomb",
  "false-gzip",
  "announced-giant",
  "silent",
  "stalled-headers",
  "stalled-body",
  "drip-headers",
  "drip-body",
  "redirect-loop",
  "unread-request",
] as const;

export type HostileKind = (typeof hostileKinds)[number];

/** A server of raw sockets that answers in the way its path names, or `everywhere` in one way. `open()` counts the connections that its clients have left open, `taken()` all there ever were. */
export async function startHostileServer(everywhere?: HostileKind): Promise<{
  readonly url: (kind: HostileKind) => string;
  readonly port: number;
  readonly open: () => number;
  readonly taken: () => number;
  readonly stop: () => void;
}> {
  // Before the first client measures its time.
  if (everywhere === undefined || /gzip|brotli/.test(everywhere)) bombs();
  const sockets = new Set<Socket>();
  let taken = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    taken++;
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      const head = data.toString("latin1");
      const kind = hostileKinds.find((name) => head.includes(` /${name}/`)) ?? everywhere;
      if (kind === "unread-request") socket.pause();
      else if (kind !== undefined) answers[kind](socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: (kind) => `http://127.0.0.1:${address.port}/${kind}`,
    port: address.port,
    open: () => sockets.size,
    taken: () => taken,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const block = Buffer.alloc(64 * 1024, "x");
const chunk = Buffer.concat([Buffer.from("10000\r\n"), block, Buffer.from("\r\n")]);
/** 32 MB of zeros. Brotli's usual quality would hold up the server, and with it its clients, for two seconds of CPU. */
let packed: { readonly gzip: Buffer; readonly brotli: Buffer } | undefined;
const bombs = () => {
  const zeros = Buffer.alloc(packed === undefined ? 32 * 1024 * 1024 : 0);
  packed ??= {
    gzip: gzipSync(zeros, { level: 1 }),
    brotli: brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  };
  return packed;
};

const begin = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const withBody = (socket: Socket, encoding: string, body: Buffer) => {
  socket.write(`${begin}content-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.write(body);
};

const answers: Readonly<Record<Exclude<HostileKind, "unread-request">, (socket: Socket) => void>> = {
  "endless-body": (socket) => pour(socket, `${begin}\r\n`, block),
  "endless-chunks": (socket) => pour(socket, `${begin}transfer-encoding: chunked\r\n\r\n`, chunk),
  "endless-headers": (socket) => pour(socket, begin, Buffer.from("x-more: yes\r\n".repeat(5000))),
  "endless-header": (socket) => pour(socket, `${begin}x-long: `, block),
  "endless-hints": (socket) => pour(socket, "", Buffer.from("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2000))),
  "endless-gzip": (socket) => pour(socket, `${begin}content-encoding: gzip\r\n\r\n`, bombs().gzip.subarray(0, 65_536)),
  "gzip-bomb": (socket) => withBody(socket, "gzip", bombs().gzip),
  "brotli-bomb": (socket) => withBody(socket, "br", bombs().brotli),
  "false-gzip": (socket) => withBody(socket, "gzip", Buffer.from("{}")),
  "announced-giant": (socket) => pour(socket, `${begin}content-length: 100000000000\r\n\r\n`, block),
  silent: () => {},
  "stalled-headers": (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-"),
  "stalled-body": (socket) => void socket.write(`${begin}content-length: 100\r\n\r\n{"ok"`),
  "drip-headers": (socket) => drip(socket, `${begin}x-slow: `),
  "drip-body": (socket) => drip(socket, `${begin}content-length: 100000\r\n\r\n`),
  "redirect-loop": (socket) =>
    void socket.write("HTTP/1.1 302 Found\r\nlocation: /redirect-loop/again\r\ncontent-length: 0\r\n\r\n"),
};

function pour(socket: Socket, start: string, block: Buffer): void {
  socket.write(start);
  const go = () => {
    while (!socket.destroyed && socket.write(block));
  };
  socket.on("drain", go);
  go();
}

function drip(socket: Socket, start: string): void {
  if (socket.listenerCount("close") > 1) return;
  socket.write(start);
  const timer = setInterval(() => socket.write("x"), 20);
  socket.on("close", () => clearInterval(timer));
}
