import { connect, type Socket } from "node:net";

/** The smallest value that so large a share does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Least squares: how much the second number of a pair grows with the first. */
export function slope(pairs: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(pairs.map(([x]) => x)), mean(pairs.map(([, y]) => y))];
  const top = pairs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return top / pairs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** Dashboards, some of which never read. */
export function createAudience(url: string) {
  let sockets: WebSocket[] = [];
  let deaf: Socket[] = [];

  function leave(): void {
    for (const socket of sockets) socket.close();
    for (const socket of deaf) socket.destroy();
    sockets = [];
    deaf = [];
  }

  return {
    leave,
    /** Replaces all dashboards by `count` new dashboards. Resolves when they are connected. */
    async renew(readers: number, silent: number): Promise<void> {
      leave();
      const { hostname, port } = new URL(url);
      sockets = Array.from({ length: readers }, () => new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`));
      deaf = Array.from({ length: silent }, () => {
        const socket = connect(Number(port), hostname, () => {
          socket.write(
            `GET /ws/dashboard HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
          );
        });
        socket.once("data", () => socket.pause());
        socket.on("error", () => {});
        return socket;
      });
      await Promise.all(
        sockets.map(
          (socket) =>
            new Promise((resolve) => {
              socket.onopen = resolve;
              socket.onerror = resolve;
            }),
        ),
      );
    },
  };
}
