/**
 * The floor of a replay: a bare Bun server that sends prepared strings as fast as its reader takes them, then closes.
 * `bun prepared.ts <file of frames, one a line> <how often>`; prints its port.
 */
import { readFileSync } from "node:fs";

const [file = "", rounds = "1"] = process.argv.slice(2);
const frames = readFileSync(file, "utf8").trimEnd().split("\n");
const total = frames.length * Number(rounds);
const mostWaiting = 1024 * 1024;
const burst = 128;
let resume = Promise.withResolvers<void>();

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, at) => (at.upgrade(request) ? undefined : new Response(null, { status: 404 })),
  websocket: {
    perMessageDeflate: false,
    backpressureLimit: 0,
    idleTimeout: 0,
    async open(socket) {
      let turn = performance.now();
      for (let sent = 0; sent < total; ) {
        socket.cork(() => {
          for (let n = 0; n < burst && sent < total; n++) socket.send(frames[sent++ % frames.length] ?? "");
        });
        if (socket.getBufferedAmount() >= mostWaiting) {
          resume = Promise.withResolvers();
          await resume.promise;
          turn = performance.now();
        } else if (performance.now() - turn > 5) {
          await new Promise((resolve) => setImmediate(resolve));
          turn = performance.now();
        }
      }
      socket.close(1000, "end");
    },
    drain(socket) {
      if (socket.getBufferedAmount() <= mostWaiting / 4) resume.resolve();
    },
    message() {},
    close: () => void setTimeout(() => process.exit(0), 100),
  },
});
console.log(server.port);
