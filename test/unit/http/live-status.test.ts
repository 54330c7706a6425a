import { afterEach, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import type { Status } from "../../../server/domain/status.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { serve } from "../../support/http/serving.ts";
import { until } from "../../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A status that counts how often it is taken and how often it is made JSON. */
function counted(symbols: number) {
  const counts = { taken: 0, serialised: 0 };
  const status = (): Status => {
    counts.taken += 1;
    const plain = fakeStatus(counts.taken, symbols);
    return Object.defineProperty({ ...plain }, "toJSON", {
      value: () => {
        counts.serialised += 1;
        return plain;
      },
    });
  };
  return { counts, status };
}

async function open(over: Parameters<typeof serve>[0]) {
  const site = await serve(over);
  cleanups.push(site.close);
  return site;
}

function client(url: string) {
  const socket = new WebSocket(url);
  const state = { socket, messages: 0, last: "", closed: null as number | null };
  socket.onmessage = (event) => {
    state.messages += 1;
    state.last = String(event.data);
  };
  socket.onclose = (event) => {
    state.closed = event.code;
  };
  cleanups.push(() => socket.close());
  return state;
}

test("a tick is taken and serialised once, however many look", async () => {
  const { counts, status } = counted(3);
  const site = await open({ status, tickMs: 20 });
  const clients = Array.from({ length: 5 }, () => client(site.socketUrl));
  await until(() => clients.every(({ messages }) => messages >= 10), "ten messages for each of five clients");
  const delivered = clients.reduce((sum, { messages }) => sum + messages, 0);
  expect(counts.taken).toBe(counts.serialised);
  expect(counts.taken).toBeLessThan(delivered / 3);
});

test("the first message comes at once and is the status", async () => {
  const site = await open({ tickMs: 60_000 });
  const one = client(site.socketUrl);
  await until(() => one.messages === 1, "the first message long before the first tick");
  expect(JSON.parse(one.last)).toEqual(await (await fetch(`${site.url}/api/status`)).json());
});

test("the status is computed only while a client is connected", async () => {
  const { counts, status } = counted(3);
  const clock = counted(1);
  const watched = await open({ status: clock.status, tickMs: 10 });
  const site = await open({ status, tickMs: 10 });
  client(watched.socketUrl);
  await until(() => clock.counts.taken >= 10, "ten ticks elsewhere");
  expect(counts.taken).toBe(0);

  const looker = client(site.socketUrl);
  await until(() => looker.messages >= 3, "three messages");
  looker.socket.close();
  await until(() => looker.closed !== null, "the client to be gone");
  const left = counts.taken;
  const from = clock.counts.taken;
  await until(() => clock.counts.taken >= from + 10, "ten more ticks elsewhere");
  expect(counts.taken).toBeLessThanOrEqual(left + 1);
});

test("a client that does not read is dropped; the others get every message", async () => {
  const site = await open({ status: counted(300).status, tickMs: 10 });
  const good = client(site.socketUrl);
  const slow = await deafClient(site.port);
  cleanups.push(() => slow.destroy());
  await until(
    () => site.lines.some((line) => line.includes("dropped a dashboard")),
    "the slow client to be dropped",
    30_000,
  );
  const from = good.messages;
  await until(() => good.messages >= from + 10, "ten more messages for the others");
  expect(good.closed).toBeNull();
  expect(site.lines.filter((line) => line.includes("dropped a dashboard"))).toHaveLength(1);
}, 60_000);

test("what clients say is ignored, and too much of it ends the connection", async () => {
  const site = await open({ tickMs: 10 });
  const talker = client(site.socketUrl);
  const listener = client(site.socketUrl);
  await until(() => talker.messages > 0, "the first message");
  talker.socket.send('{"subscribe":"everything"}');
  talker.socket.send("not json {");
  const from = talker.messages;
  await until(() => talker.messages >= from + 3, "messages to go on");
  talker.socket.send("x".repeat(100_000));
  await until(() => talker.closed !== null, "the talker to be cut off");
  const before = listener.messages;
  await until(() => listener.messages >= before + 3, "messages for the others to go on");
});

test("a status that cannot be read costs a tick, not the server", async () => {
  let broken = false;
  const site = await open({
    tickMs: 10,
    status: () => {
      if (broken) throw new Error("no such counter");
      return fakeStatus(1, 1);
    },
  });
  const one = client(site.socketUrl);
  await until(() => one.messages >= 2, "messages");
  broken = true;
  await until(() => site.lines.some((line) => line.includes("no such counter")), "the failure in the log");
  broken = false;
  const from = one.messages;
  await until(() => one.messages >= from + 2, "messages to go on");
  expect(one.closed).toBeNull();
});

test("a stop says goodbye to everybody", async () => {
  const site = await open({ tickMs: 10 });
  const clients = [client(site.socketUrl), client(site.socketUrl)];
  await until(() => clients.every(({ messages }) => messages > 0), "everybody to be connected");
  await site.server.stop();
  await until(() => clients.every(({ closed }) => closed === 1001), "close code 1001 for everybody");
});

/** Shakes hands as a WebSocket client and never reads again. */
function deafClient(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(
        "GET /ws/dashboard HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      );
    });
    socket.once("error", reject);
    socket.once("data", () => {
      socket.pause();
      resolve(socket);
    });
  });
}
