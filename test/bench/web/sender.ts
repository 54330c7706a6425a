/**
 * The load of the original's benchmark: 15 symbols of depth20@100ms, evenly staggered, 20 levels a side with 8 decimals, of
 * which 6 quantities a side change with each frame. Started as a process of its own: `bun sender.ts <messages per second>`;
 * prints its port. A rate of 0 is as fast as the reader takes it. A second number asks for that many symbols instead.
 */
const perSecond = Number(process.argv[2]);
const symbols = Array.from({ length: Number(process.argv[3] ?? 15) }, (_, n) => `sym${String(n).padStart(2, "0")}usdt`);
const variants = 32;

const tails = symbols.map((_, s) =>
  Array.from({ length: variants }, (_, v) => `,"bids":${side(s, v, -1)},"asks":${side(s, v, 1)}}}`),
);
const heads = symbols.map((symbol) => `{"stream":"${symbol}@depth20@100ms","data":{"lastUpdateId":`);

function side(s: number, v: number, direction: number): string {
  const levels = Array.from({ length: 20 }, (_, n) => {
    const price = (60_000 - (s % 15) * 3000 + direction * (n + 1) * 0.37).toFixed(8);
    const changes = n % 3 === 0 && n < 18;
    const quantity = (((n * 7919 + (changes ? v * 104_729 : 0) + s * 31) % 1_000_000) / 100_000 + 0.1).toFixed(8);
    return `["${price}","${quantity}"]`;
  });
  return `[${levels.join(",")}]`;
}

function frame(g: number): string {
  const s = g % symbols.length;
  const id = Math.floor(g / symbols.length) + 1;
  return `${heads[s]}${id}${tails[s]?.[id % variants]}`;
}

/** Most that is sent at once flat out, and most that may wait in the socket. */
const burst = 500;
const mostWaiting = 4 * 1024 * 1024;

const server = Bun.serve<{ sent: number; started: number; timer: ReturnType<typeof setInterval> | null }>({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, server) {
    const path = new URL(request.url).pathname;
    if (path === "/api/v3/time") return Response.json({ serverTime: Date.now() });
    if (server.upgrade(request, { data: { sent: 0, started: performance.now(), timer: null } })) return undefined;
    return new Response(null, { status: 404 });
  },
  websocket: {
    perMessageDeflate: false,
    backpressureLimit: 64 * 1024 * 1024,
    open(socket) {
      const { data } = socket;
      data.timer = setInterval(
        () => {
          if (perSecond === 0) {
            for (let n = 0; n < burst * 10 && socket.getBufferedAmount() < mostWaiting; n++)
              socket.sendText(frame(data.sent++));
            return;
          }
          const due = Math.floor(((performance.now() - data.started) / 1000) * perSecond);
          while (data.sent < due) socket.sendText(frame(data.sent++));
        },
        Math.max(1, Math.min(20, 1000 / (perSecond || 1000))),
      );
    },
    close(socket) {
      if (socket.data.timer !== null) clearInterval(socket.data.timer);
    },
    message() {},
  },
});
console.log(server.port);

export {};
