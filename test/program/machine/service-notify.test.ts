import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { createSystemdStatus, statusLine } from "../../../server/app/systemd-status.ts";
import { notifySocket, watchdogMs } from "../../../server/platform/process/environment.ts";
import { notifyService, reloading } from "../../../server/platform/process/systemd.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { hasPython, listenForNotify, type NotifySocket } from "../../support/machine/notify-socket.ts";
import { rtData, start } from "../../support/program.ts";
import { until } from "../../support/wait.ts";

const open: NotifySocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

async function listening(address: string): Promise<NotifySocket> {
  const socket = await listenForNotify(address);
  open.push(socket);
  return socket;
}

const working = { ready: true, reasons: [], symbols: [], totals: { messages_per_s: 152.6, gaps: 1 } };

for (const kind of ["a path", "an abstract name"]) {
  test.skipIf(!hasPython)(`each notification arrives in a datagram of its own, at ${kind}`, async () => {
    const address = kind === "a path" ? join(temporaryFolder(), "notify") : `@rt-data-test-${process.pid}`;
    const socket = await listening(address);
    expect(notifyService("READY=1\nSTATUS=복구를 마쳤습니다 ✓", address)).toBe(true);
    expect(notifyService("MAINPID=4711", address)).toBe(true);
    await until(() => socket.received.length === 2, "both");
    expect(socket.received).toEqual(["READY=1\nSTATUS=복구를 마쳤습니다 ✓", "MAINPID=4711"]);
  });
}

test("without a listener there is no error and no delay", () => {
  for (const address of [null, "/nowhere/notify", "@rt-data-nobody", "relative", `/${"x".repeat(200)}`])
    expect(notifyService("READY=1", address)).toBe(false);
});

test("the socket and the timeout of systemd come from the environment; invalid values are ignored", () => {
  expect(notifySocket({ NOTIFY_SOCKET: "/run/systemd/notify" })).toBe("/run/systemd/notify");
  expect(notifySocket({ NOTIFY_SOCKET: "" })).toBeNull();
  expect(watchdogMs({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" })).toBe(60_000);
  for (const usec of [undefined, "", "0", "-5", "soon"]) expect(watchdogMs({ WATCHDOG_USEC: usec })).toBeNull();
});

test("a reload is reported with the machine's monotonic time", () => {
  const [first, second] = [reloading(), reloading()].map((state) =>
    Number(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(state)?.[1]),
  );
  expect(second).toBeGreaterThanOrEqual(first ?? Number.NaN);
  const since = Bun.spawnSync(["cut", "-d.", "-f1", "/proc/uptime"]).stdout.toString();
  // Since boot; a machine that has slept counts less.
  expect((first ?? 0) / 1e6).toBeLessThan(Number(since) + 2);
  expect(first).toBeGreaterThan(1e6);
});

test.skipIf(!hasPython)("life is told at half the time allowed, the status every ten seconds", async () => {
  const address = join(temporaryFolder(), "notify");
  const socket = await listening(address);
  let nowMs = 0;
  const report = createSystemdStatus(
    () => working as never,
    { socket: address, watchdogMs: 30_000 },
    () => nowMs,
  );
  for (; nowMs < 60_000; nowMs += 1000) report.tick();
  notifyService("END=1", address);
  await until(() => socket.received.includes("END=1"), "the end");
  expect(socket.received.filter((text) => text.includes("WATCHDOG=1"))).toHaveLength(5);
  expect(socket.received.filter((text) => text.includes("STATUS=recording"))).toHaveLength(6);
});

test("the status line describes the recording, or says why it stands still", () => {
  const symbols = [{}, {}, {}] as never;
  expect(statusLine({ ...working, symbols } as never)).toBe(
    "recording 3 symbols, 153 messages/s, 1 gap since the start",
  );
  expect(statusLine({ ...working, ready: false, reasons: ["a\nb", "c"] } as never)).toBe("not recording: a b");
});

test.skipIf(!hasPython)(
  "the program tells its start, its life, a reload and its stop, in this order",
  async () => {
    const address = join(temporaryFolder(), "notify");
    const socket = await listening(address);
    const folder = temporaryFolder();
    const program = start(
      [...rtData, "record", "--port", "0", "--data-dir", join(folder, "data"), "--log-level", "error"],
      {
        cwd: folder,
        env: {
          NOTIFY_SOCKET: address,
          WATCHDOG_USEC: "2000000",
          RT_DATA_EXCHANGE_WS_URL: "ws://127.0.0.1:9",
          RT_DATA_EXCHANGE_REST_URL: "http://127.0.0.1:9",
        },
      },
    );
    const told = (what: string) => socket.received.filter((text) => text.startsWith(what)).length;
    try {
      await until(() => told("READY=1") === 1 && told("WATCHDOG=1") >= 2, "start and life", 30_000);
      expect(socket.received[0]).toStartWith("READY=1\nSTATUS=");
      expect(socket.received.join("\n")).toContain("STATUS=not recording: ");
      program.kill("SIGHUP");
      await until(() => told("READY=1") === 2, "the end of the reload");
      expect(socket.received.findIndex((text) => text.startsWith("RELOADING=1\nMONOTONIC_USEC="))).toBe(
        socket.received.lastIndexOf("READY=1") - 1,
      );
    } finally {
      program.kill("SIGTERM");
    }
    expect(await program.ended).toBe(0);
    await until(() => told("STOPPING=1") === 1, "the stop");
  },
  40_000,
);
