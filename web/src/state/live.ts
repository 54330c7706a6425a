import type { Status } from "../../../server/domain/status.ts";
import { checkSession, loggedIn } from "../api/session.ts";
import { keepConnected } from "../api/socket.ts";
import { appendPrices } from "./prices.ts";
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
      appendPrices(next);
    },
    onLost() {
      link.value = "lost";
      // A browser does not tell why a WebSocket was refused.
      if (loggedIn.value) void checkSession();
      return undefined;
    },
  });
  setInterval(passTime, 250);
}
