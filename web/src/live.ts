import type { Status } from "../../server/status.ts";
import { address } from "./route.ts";
import { ageSeconds, link, passTime, receive } from "./state.ts";

const firstDelayMs = 500;
const maxDelayMs = 5000;

/** An open socket that has been silent this long, in seconds, is given up: its other end may be gone without a word. */
const silentSeconds = 6;

/** Connects to the recorder and stays connected, trying again by itself, at once when the page is looked at again. */
export function connect(): void {
  let socket: WebSocket | null = null;
  let attempts = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;

  function open(): void {
    clearTimeout(retry);
    const opening = new WebSocket(address("ws/dashboard").replace(/^http/, "ws"));
    socket = opening;
    opening.onmessage = (event) => {
      if (socket !== opening) return;
      attempts = 0;
      link.value = "open";
      receive(JSON.parse(String(event.data)) as Status);
    };
    opening.onclose = () => {
      if (socket === opening) lose();
    };
  }

  function lose(): void {
    socket = null;
    link.value = "lost";
    const delay = Math.min(maxDelayMs, firstDelayMs * 2 ** attempts);
    attempts += 1;
    retry = setTimeout(open, delay * (0.8 + 0.4 * Math.random()));
  }

  function now(): void {
    if (document.visibilityState === "visible" && socket === null) open();
  }

  setInterval(() => {
    passTime();
    if (socket === null || link.value !== "open" || ageSeconds.value < silentSeconds) return;
    const silent = socket;
    lose();
    silent.close();
  }, 250);
  document.addEventListener("visibilitychange", now);
  addEventListener("online", now);
  open();
}
