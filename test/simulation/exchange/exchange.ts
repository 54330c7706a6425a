import type { Life } from "../machine/life.ts";
import type { Scheduler } from "../machine/scheduler.ts";
import type { Random } from "../random.ts";
import { type History, type Market, type MarketEvent, restTrade } from "./market.ts";

/** A record that has reached the program's socket. */
export type Delivery = { readonly event: MarketEvent; readonly life: number; readonly atMs: number };

/** The exchange on the network: sockets and REST. */
export type VirtualExchange = {
  openSocket(url: string, life: Life): object;
  fetch(url: string, signal: AbortSignal | null, life: Life): Promise<Response>;
  /** Sends an event to all who are subscribed; `times` more than once where it is repeated. */
  emit(event: MarketEvent, times?: number): void;
  /** Sends a frame that is not from the market. */
  sendOdd(text: (stream: string) => string): void;
  readonly deliveries: Delivery[];
  /** Cuts the n-th open connection; all of them where n is null. */
  cut(n: number | null): void;
  silence(n: number | null, ms: number): void;
  refuse(ms: number): void;
  shutDown(leadMs: number): void;
  slow(ms: number, forMs: number): void;
  /** REST: no answer, an error, or nonsense. */
  restFault(what: RestFault, forMs: number): void;
  openSockets(): number;
  /** Exchange time minus true time, ms. */
  offsetMs: number;
};

export type RestFault = "silent" | "503" | "429" | "418" | "page" | "network";

type Line = {
  readonly life: Life;
  readonly names: Set<string>;
  readonly delayMs: number;
  readonly socket: SocketFace;
  isOpen: boolean;
  hasEnded: boolean;
  silentUntilMs: number;
  /** Messages arrive in the order in which they are sent. */
  lastDueMs: number;
};

type SocketFace = {
  onmessage: ((event: object) => void) | null;
  onopen: ((event: object) => void) | null;
  onclose: ((event: object) => void) | null;
  onerror: ((event: object) => void) | null;
  readyState: number;
} & Record<string, unknown>;

/** A connection that is silent for longer never delivers again. */
const longestStallMs = 45_000;

/** An exchange for a market. */
export function createVirtualExchange(market: Market, scheduler: Scheduler, random: Random): VirtualExchange {
  const deliveries: Delivery[] = [];
  let lines: Line[] = [];
  let refusingUntilMs = 0;
  let slowUntilMs = 0;
  let slowMs = 0;
  let rest: { what: RestFault; untilMs: number } | null = null;

  const now = scheduler.nowMs;
  const living = () => lines.filter((line) => !line.life.isDead());

  function end(line: Line, code: number, reason: string): void {
    if (line.hasEnded) return;
    line.hasEnded = true;
    lines = lines.filter((one) => one !== line);
    line.life.later(0, () => {
      line.socket.readyState = 3;
      line.socket.onclose?.({ code, reason });
    });
  }

  function deliver(line: Line, text: string, event: MarketEvent | null): void {
    const delayMs = line.delayMs + (now() < slowUntilMs ? slowMs : 0);
    // Messages to a stalled connection arrive when it goes on; a dead connection never goes on.
    line.lastDueMs = Math.max(line.lastDueMs, now() + delayMs, line.silentUntilMs);
    if (line.lastDueMs === Number.POSITIVE_INFINITY) return;
    const arrive = (): void => {
      if (line.hasEnded || line.life.isDead() || !line.isOpen) return;
      if (now() < line.life.asleepUntilMs()) {
        scheduler.at(line.life.asleepUntilMs(), arrive);
        return;
      }
      if (event !== null) deliveries.push({ event, life: line.life.number, atMs: now() });
      line.socket.onmessage?.({ data: text });
    };
    scheduler.at(line.lastDueMs, arrive);
  }

  function openSocket(url: string, life: Life): object {
    const names = (new URL(url).searchParams.get("streams") ?? "").split("/").filter((name) => name !== "");
    const listeners = new Map<string, (event: object) => void>();
    const delayMs = random.between(5, 80);
    const socket: SocketFace = {
      ...{ onmessage: null, onopen: null, onclose: null, onerror: null, readyState: 0, binaryType: "" },
      addEventListener: (name: string, listener: (event: object) => void) => listeners.set(name, listener),
      send: (text: string) => control(line, text),
      close() {
        line.hasEnded = true;
        lines = lines.filter((one) => one !== line);
        socket.readyState = 3;
      },
      terminate() {},
    };
    const line: Line = {
      ...{ life, socket, delayMs, names: new Set(names) },
      ...{ isOpen: false, hasEnded: false, silentUntilMs: 0, lastDueMs: 0 },
    };
    const isRefused = now() < refusingUntilMs;
    life.later(delayMs + 20, () => {
      if (line.hasEnded) return;
      if (isRefused || now() < refusingUntilMs) {
        line.hasEnded = true;
        socket.readyState = 3;
        socket.onerror?.({ message: `WebSocket connection to '${url}' failed: Failed to connect` });
        return;
      }
      line.isOpen = true;
      lines.push(line);
      socket.readyState = 1;
      socket.onopen?.({});
    });
    return socket;
  }

  function control(line: Line, text: string): void {
    const { method, params, id } = JSON.parse(text) as { method: string; params: string[]; id: number };
    scheduler.after(line.delayMs, () => {
      if (line.hasEnded || line.life.isDead()) return;
      for (const name of params) {
        if (method === "SUBSCRIBE") line.names.add(name);
        else line.names.delete(name);
      }
      deliver(line, `{"result":null,"id":${id}}`, null);
    });
  }

  function answer(path: string, query: URLSearchParams): { status: number; body: string } {
    const symbol = query.get("symbol") ?? "";
    if (path === "/api/v3/time") return ok(`{"serverTime":${Math.floor(now() + exchange.offsetMs)}}`);
    if (path === "/api/v3/exchangeInfo") {
      const symbols = [...new Set([...market.histories.values()].map(({ stream }) => stream.symbol))];
      const serverTime = Math.floor(now() + exchange.offsetMs);
      const entries = symbols.map((name) => `{"symbol":"${name}","status":"TRADING"}`);
      return ok(`{"timezone":"UTC","serverTime":${serverTime},"symbols":[${entries}]}`);
    }
    if (path === "/api/v3/depth") {
      const history = market.history(symbol, "diffDepth");
      const id = (history?.nextId ?? 1) - 1;
      return ok(`{"lastUpdateId":${id},"bids":[["100.00000000","1.00000000"]],"asks":[["101.00000000","1.00000000"]]}`);
    }
    const kind = path.endsWith("aggTrades") ? "aggTrade" : "trade";
    const history = market.history(symbol, kind);
    if (history === undefined) return { status: 400, body: '{"code":-1121,"msg":"Invalid symbol."}' };
    return ok(`[${trades(history, Number(query.get("fromId")), Number(query.get("limit") ?? 500)).join(",")}]`);
  }

  const exchange: VirtualExchange = {
    openSocket,
    offsetMs: 0,
    fetch(url: string, signal: AbortSignal | null, life: Life): Promise<Response> {
      const { pathname, searchParams } = new URL(url);
      return new Promise((resolve, reject) => {
        const fault = rest !== null && now() < rest.untilMs ? rest.what : null;
        signal?.addEventListener("abort", () => reject(signal.reason ?? new Error("aborted")));
        if (fault === "silent") return;
        life.later(random.between(10, 120) + (now() < slowUntilMs ? slowMs : 0), () => {
          if (fault === "network") return reject(new Error("Unable to connect"));
          const found = fault === null ? answer(pathname, searchParams) : faulty(fault);
          const headers = { "x-mbx-used-weight-1m": "10", ...(fault === "429" && { "retry-after": "3" }) };
          resolve(new Response(found.body, { status: found.status, headers }));
        });
      });
    },
    emit(event: MarketEvent, times = 1) {
      const { name } = event.stream;
      let text = "";
      if (lines.some((line) => line.life.isDead())) lines = living();
      for (const line of lines) {
        if (!line.names.has(name)) continue;
        if (text === "") text = `{"stream":"${name}","data":${event.payload}}`;
        for (let n = 0; n < times; n++) deliver(line, text, event);
      }
    },
    sendOdd(text: (stream: string) => string) {
      for (const line of living()) {
        const [name] = line.names;
        if (name !== undefined) deliver(line, text(name), null);
      }
    },
    deliveries,
    cut(n: number | null) {
      const open = living();
      for (const line of n === null
        ? open
        : open.slice(n % Math.max(1, open.length), (n % Math.max(1, open.length)) + 1))
        end(line, 1006, "");
    },
    silence(n: number | null, ms: number) {
      for (const [index, line] of living().entries())
        if (now() >= line.silentUntilMs && (n === null || index === n % lines.length))
          line.silentUntilMs = ms > longestStallMs ? Number.POSITIVE_INFINITY : now() + ms;
    },
    refuse(ms: number) {
      refusingUntilMs = Math.max(refusingUntilMs, now() + ms);
    },
    shutDown(leadMs: number) {
      for (const line of living()) {
        deliver(line, '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}', null);
        scheduler.after(leadMs, () => end(line, 1001, "shutdown"));
      }
    },
    slow(ms: number, forMs: number) {
      slowMs = ms;
      slowUntilMs = now() + forMs;
    },
    restFault(what: RestFault, forMs: number) {
      rest = { what, untilMs: now() + forMs };
    },
    openSockets: () => living().length,
  };
  return exchange;
}

function ok(body: string) {
  return { status: 200, body };
}

function faulty(fault: RestFault): { status: number; body: string } {
  if (fault === "page") return { status: 200, body: "<html>log in</html>" };
  if (fault === "429" || fault === "418") return { status: Number(fault), body: '{"code":-1003,"msg":"Too many"}' };
  return { status: 503, body: "" };
}

/** Trades of the current numbering from an id on. */
function trades(history: History, fromId: number, limit: number): string[] {
  const found = history.events.filter(({ epoch, id }) => epoch === history.epoch && id >= fromId);
  // An id that had jumped is listed where it belongs by its number, and once.
  const byId = new Map(found.sort((a, b) => a.id - b.id).map((event) => [event.id, event]));
  return [...byId.values()].slice(0, Math.min(limit, 1000)).map(restTrade);
}
