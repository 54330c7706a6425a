import { afterEach, expect, test } from "bun:test";
import { createDemoControl, cutMs } from "../../../server/cli/replay/demo-control.ts";
import { serve } from "../../support/http/serving.ts";
import { until } from "../../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function demo(afterS: number) {
  const running = new Set<string>();
  const control = createDemoControl("./demo-data", {
    nowUs: () => Date.now() * 1000,
    faults: {
      begin({ kind }) {
        running.add(kind);
        return { end: () => running.delete(kind), hits: () => 0 };
      },
    },
  });
  control.start(afterS);
  cleanups.push(control.stop);
  return { control, running };
}

test("a demo says what to try and cuts its connection when asked, once at a time", async () => {
  const { control, running } = demo(0);
  const site = await serve({ demo: control });
  cleanups.push(site.close);
  const get = async () => (await fetch(`${site.url}/api/demo`)).json();
  expect(await get()).toMatchObject({ data_dir: "./demo-data", cut_until_us: null, next_cut_us: null });
  expect((await get()).next.map(({ what }: { what: string }) => what)).toEqual(["list", "verify", "query", "record"]);
  const before = Date.now() * 1000;
  const answer = await fetch(`${site.url}/api/demo/cut`, { method: "POST" });
  const { cut_until_us } = await answer.json();
  expect(answer.status).toBe(202);
  expect(cut_until_us).toBeGreaterThanOrEqual(before + cutMs * 1000);
  expect([...running]).toEqual(["refuse-connect", "reset"]);
  // A second cut does not make it longer.
  expect(await (await fetch(`${site.url}/api/demo/cut`, { method: "POST" })).json()).toMatchObject({ cut_until_us });
  control.stop();
  expect([running.size, (await get()).cut_until_us]).toEqual([0, null]);
});

test("the script cuts the connection by itself, and it comes back by itself", async () => {
  const { control, running } = demo(0.05);
  expect(control.state().next_cut_us).not.toBeNull();
  await until(() => running.size === 2, "the scripted cut");
  expect(control.state()).toMatchObject({ next_cut_us: null });
  await until(() => running.size === 0, "the connection to come back", 2 * cutMs);
  expect(control.state()).toMatchObject({ cut_until_us: null });
}, 60_000);

test("a recorder that is no demo cannot be cut", async () => {
  const site = await serve();
  cleanups.push(site.close);
  for (const [method, path] of [
    ["GET", "/api/demo"],
    ["POST", "/api/demo/cut"],
  ] as const) {
    const answer = await fetch(`${site.url}${path}`, { method });
    expect([answer.status, (await answer.json()).error.code]).toEqual([404, "no_demo"]);
  }
});
