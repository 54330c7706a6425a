import type { Status } from "../../server/status.ts";
import { keepConnected } from "./socket.ts";
import { link, passTime, receive } from "./state.ts";

/** Keeps the live status coming, and its age growing where it does not. */
export function connect(): void {
  keepConnected("ws/dashboard", {
    onMessage(message) {
      link.value = "open";
      receive(message as Status);
    },
    onLost() {
      link.value = "lost";
      return undefined;
    },
  });
  setInterval(passTime, 250);
}
