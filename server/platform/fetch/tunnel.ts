import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { messageOf } from "../errors.ts";
import { unlessAborted } from "../time/deadline.ts";
import type { ProxyRoute } from "./proxy-route.ts";
import { ProxyError, proxyTrouble } from "./proxy-trouble.ts";

/** Longest answer of a proxy to CONNECT, characters. */
const mostCharacters = 16 * 1024;

/** Opens a connection to the proxy itself. The caller destroys the socket. */
export async function reachProxy({ url }: ProxyRoute, signal: AbortSignal): Promise<Socket> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const isTls = protocol === "https:";
  const options = { host, port: Number(port) || (isTls ? 443 : 80) };
  const socket = isTls ? connectTls({ ...options, ...(isIP(host) === 0 && { servername: host }) }) : connect(options);
  return settled(socket, signal, (done) => socket.once(isTls ? "secureConnect" : "connect", done));
}

/**
 * Opens a connection to `host:port` through a proxy (RFC 9110, 9.3.6 CONNECT). The caller destroys the socket.
 * @throws ProxyError if the proxy refuses, the reason of `signal` if it is aborted
 */
export async function openTunnel(route: ProxyRoute, target: string, signal: AbortSignal): Promise<Socket> {
  const socket = await reachProxy(route, signal).catch((error: unknown) => {
    throw signal.aborted
      ? error
      : new ProxyError(proxyTrouble(route, target, "Failed to connect") ?? "", { cause: error });
  });
  const { username, password } = new URL(route.url);
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  const authorization = username === "" ? "" : `Proxy-Authorization: Basic ${login}\r\n`;
  let answer = "";
  return settled(socket, signal, (done, fail) => {
    const read = (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      if (!answer.includes("\r\n\r\n") && answer.length < mostCharacters) return;
      socket.off("data", read);
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
      if (status?.startsWith("2") && answer.endsWith("\r\n\r\n")) return done();
      const detail = status === undefined || status.startsWith("2") ? "Invalid response" : `open a tunnel: ${status}`;
      fail(new ProxyError(proxyTrouble(route, target, detail) ?? detail));
    };
    socket.on("data", read);
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`);
  }).catch((error: unknown) => {
    const words = error instanceof ProxyError || signal.aborted ? null : proxyTrouble(route, target, messageOf(error));
    throw words === null ? error : new ProxyError(words, { cause: error });
  });
}

/** Waits for an event of the socket. Destroys the socket if it fails, ends, or `signal` is aborted. */
async function settled(
  socket: Socket,
  signal: AbortSignal,
  listen: (done: () => void, fail: (error: Error) => void) => void,
): Promise<Socket> {
  const event = Promise.withResolvers<void>();
  const onClose = () => event.reject(new Error("Connection ended"));
  // Stays: a later error must not end the process.
  socket.on("error", event.reject);
  socket.once("close", onClose);
  listen(event.resolve, event.reject);
  try {
    await unlessAborted(event.promise, signal);
    socket.off("close", onClose);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
