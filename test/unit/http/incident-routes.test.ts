import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import { fakeIncident, fakeIncidents } from "../../support/fakes/fake-incidents.ts";
import { serve } from "../../support/http/serving.ts";

const all: Incident[] = [
  fakeIncident({ id: 1, rule: "delay", to_us: Date.now() * 1000 }),
  fakeIncident({ id: 2, rule: "disk_low", value: 80e9, limit: 100e9 }),
  fakeIncident({ id: 3, rule: "disconnected", severity: "critical", subjects: ["stream.binance.com:9443"] }),
];
let served: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  served = await serve({ incidents: fakeIncidents(all) });
});
afterAll(() => served.close());

async function ask(path: string, method = "GET", body?: unknown) {
  const answer = await fetch(`${served.url}/api${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return { status: answer.status, body: await answer.json(), cache: answer.headers.get("cache-control") };
}

const refused = (code: string, message: RegExp) => ({ error: { code, message: expect.stringMatching(message) } });

test("alerts: those that last by gravity, all of them newest first in pages, each with the unit of its figures", async () => {
  const { status, body, cache } = await ask("/alerts?limit=2");
  expect([status, cache, body.open.map(({ id }: Incident) => id)]).toEqual([200, "no-store", [3, 2]]);
  expect(body.items.map(({ id }: Incident) => id)).toEqual([3, 2]);
  expect(body.open[1]).toMatchObject({ rule: "disk_low", unit: "bytes", value: 80e9, limit: 100e9, muted: false });
  const rest = await ask(`/alerts?limit=2&after=${body.next}`);
  expect([rest.body.items.map(({ id }: Incident) => id), rest.body.next]).toEqual([[1], null]);
  expect((await ask("/alerts/2")).body).toMatchObject({ id: 2, rule: "disk_low", unit: "bytes" });
});

test("an open incident can be acknowledged, with or without a name; an incident that is over or unknown cannot", async () => {
  expect(await ask("/alerts/3/acknowledge", "POST", { by: "an\u0000na" })).toMatchObject({
    ...{ status: 200, body: { id: 3, acknowledged: { by: "anna", at_us: expect.any(Number) } } },
  });
  expect(await ask("/alerts/2/acknowledge", "POST")).toMatchObject({ body: { acknowledged: { by: "dashboard" } } });
  expect(await ask("/alerts/2/acknowledge", "DELETE")).toMatchObject({ status: 200, body: { acknowledged: null } });
  expect(await ask("/alerts/1/acknowledge", "DELETE")).toMatchObject({ status: 409 });
  expect(await ask("/alerts/1/acknowledge", "POST")).toMatchObject({
    status: 409,
    body: refused("incident_over", /over/),
  });
  for (const [path, method] of [
    ["/alerts/9", "GET"],
    ["/alerts/9/acknowledge", "POST"],
    ["/alerts/9/acknowledge", "DELETE"],
  ] as const)
    expect(await ask(path, method)).toMatchObject({ status: 404, body: refused("no_incident", /no such/) });
});

test("mutes are made, shown and ended; a maintenance too", async () => {
  const made = await ask("/mutes", "POST", { rule: "delay", minutes: 60, by: "anna" });
  expect(made).toMatchObject({ status: 201, body: { rule: "delay", symbol: null, kind: "mute", by: "anna" } });
  expect((made.body.until_us - Date.now() * 1000) / 60e6).toBeWithin(58, 61);
  const symbol = await ask("/mutes", "POST", { symbol: "btcusdt", minutes: 5 });
  expect(symbol.body).toMatchObject({ rule: null, symbol: "BTCUSDT", by: "dashboard" });
  expect((await ask("/mutes", "POST", { kind: "maintenance", minutes: 5 })).body).toMatchObject({
    kind: "maintenance",
  });
  expect((await ask("/mutes")).body.items).toHaveLength(3);
  expect(await ask(`/mutes/${made.body.id}`, "DELETE")).toMatchObject({ status: 200, body: { removed: 1 } });
  expect(await ask(`/mutes/${made.body.id}`, "DELETE")).toMatchObject({
    status: 404,
    body: refused("no_mute", /no such/),
  });
  expect((await ask("/mutes")).body.items).toHaveLength(2);
});

test("values that are not accepted are refused with a stable code and the accepted values", async () => {
  for (const [path, method, body, message] of [
    ["/alerts?limit=0", "GET", undefined, /whole number from 1 to 500/],
    ["/alerts/x", "GET", undefined, /id "x" is not accepted/],
    ["/mutes", "POST", { rule: "dealy", minutes: 5 }, /rule "dealy" is not accepted; give one of disconnected/],
    ["/mutes", "POST", { symbol: "../x", minutes: 5 }, /symbol/],
    ["/mutes", "POST", { minutes: 0 }, /whole number from 1 to 43200/],
    ["/mutes", "POST", { minutes: 1.5 }, /whole number/],
    ["/mutes", "POST", { minutes: 5, kind: "nap" }, /give mute or maintenance/],
    ["/mutes", "POST", { minutes: 5, kind: "maintenance", rule: "delay" }, /concerns everything/],
    ["/mutes", "POST", {}, /could not be understood/],
    ["/mutes", "POST", undefined, /could not be understood/],
  ] as const)
    expect(await ask(path, method, body)).toMatchObject({ status: 400, body: refused("bad_request", message) });
});

test("the API is described, and /health/live says which instance answers", async () => {
  const { paths } = await (await fetch(`${served.url}/openapi`)).json();
  for (const path of [
    "/api/alerts",
    "/api/alerts/{id}",
    "/api/alerts/{id}/acknowledge",
    "/api/mutes",
    "/api/mutes/{id}",
  ])
    expect(Object.values(paths[path] ?? {})[0]).toMatchObject({ tags: ["alerts"], summary: expect.any(String) });
  expect((await fetch(`${served.url}/health/live`)).headers.get("rt-data-instance")).toBe("the-instance");
});
