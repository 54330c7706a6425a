import type { Status } from "../../server/status.ts";
import { keepConnected } from "./socket.ts";
import { link, passTime, receive } from "./state.ts";

/** Keeps the live status coming, and its age growing where it does not. A recorder of another version brings its own page. */
export function connect(): void {
  let version: string | null = null;
  keepConnected("ws/dashboard", {
    onMessage(message) {
      const next = message as Status;
      version ??= next.version;
      if (next.version !== version) location.reload();
      link.value = "open";
      receive(next);
    },
    onLost() {
      link.value = "lost";
      return undefined;
    },
  });
  setInterval(passTime, 250);
}
