import { address } from "../browser/route.ts";

const firstDelayMs = 500;
const maxDelayMs = 5000;

/** An open socket that has been silent this long is given up: its other end may be gone without a word. */
const silentMs = 6000;

type Callbacks = {
  /** A message, parsed. */
  readonly onMessage: (message: unknown) => void;
  /** The connection is lost, or could not be made; `code` is the close code. It is tried again unless this returns "stop". */
  readonly onLost: (code: number) => "stop" | undefined;
};

/** How to open each connection that is waiting for its next attempt. */
const waiting = new Set<() => void>();

/** Makes every lost connection try again at once. */
export function reconnectNow(): void {
  for (const open of [...waiting]) open();
}

/**
 * Connects to a WebSocket of the recorder and stays connected, trying again by itself, at once when the page is looked at
 * again. Returns how to end that.
 */
export function keepConnected(path: string, { onMessage, onLost }: Callbacks): () => void {
  let socket: WebSocket | null = null;
  let attempts = 0;
  let heardMs = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  function open(): void {
    clearTimeout(retry);
    waiting.delete(open);
    const opening = new WebSocket(address(path).replace(/^http/, "ws"));
    socket = opening;
    heardMs = performance.now();
    opening.onmessage = (event) => {
      if (socket !== opening) return;
      attempts = 0;
      heardMs = performance.now();
      onMessage(JSON.parse(String(event.data)));
    };
    opening.onclose = ({ code }) => {
      if (socket === opening) lose(code);
    };
  }

  function lose(code: number): void {
    socket = null;
    if (onLost(code) === "stop" || ended) return;
    const delay = Math.min(maxDelayMs, firstDelayMs * 2 ** attempts);
    attempts += 1;
    waiting.add(open);
    retry = setTimeout(open, delay * (0.8 + 0.4 * Math.random()));
  }

  function now(): void {
    if (document.visibilityState === "visible" && socket === null && !ended) open();
  }

  const watch = setInterval(() => {
    const silent = socket;
    if (silent === null || performance.now() - heardMs < silentMs) return;
    lose(1006);
    silent.close();
  }, 1000);
  document.addEventListener("visibilitychange", now);
  addEventListener("online", now);
  open();
  return () => {
    ended = true;
    clearInterval(watch);
    clearTimeout(retry);
    waiting.delete(open);
    document.removeEventListener("visibilitychange", now);
    removeEventListener("online", now);
    const current = socket;
    socket = null;
    current?.close();
  };
}
